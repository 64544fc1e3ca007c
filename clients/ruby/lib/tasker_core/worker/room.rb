# frozen_string_literal: true

module TaskerCore
  class Worker
    # Places for further leases. Whoever asks the server for some takes them before, and gives back what stayed empty:
    # so the long poll and the reports never ask for more than can run.
    class Room
      def initialize(places)
        @lock = Mutex.new
        @changed = ConditionVariable.new
        @free = places
        @closed = false
      end

      # All that is free, at most +most+; waits for some. Nil once it is closed.
      def take(most)
        @lock.synchronize do
          @changed.wait(@lock) while @free < 1 && !@closed
          return if @closed

          [@free, most].min.tap { |taken| @free -= taken }
        end
      end

      def give(places)
        return if places.zero?

        @lock.synchronize do
          @free += places
          @changed.signal
        end
      end

      def close
        @lock.synchronize do
          @closed = true
          @changed.broadcast
        end
      end
    end
  end
end
