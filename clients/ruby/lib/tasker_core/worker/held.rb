# frozen_string_literal: true

module TaskerCore
  class Worker
    # The attempts that this worker believes it holds: waiting, running, or ended and not yet answered.
    class Held
      def initialize
        @lock = Mutex.new
        @emptied = ConditionVariable.new
        @attempts = {}
      end

      # Takes one; false where it is held already, since the same answer came twice.
      def take(attempt)
        @lock.synchronize do
          return false if @attempts.key?(attempt.id)

          @attempts[attempt.id] = attempt
          true
        end
      end

      def drop(attempt)
        @lock.synchronize do
          @attempts.delete(attempt.id) if @attempts[attempt.id].equal?(attempt)
          @emptied.broadcast if @attempts.empty?
        end
      end

      def [](id)
        @lock.synchronize { @attempts[id] }
      end

      def all
        @lock.synchronize { @attempts.values }
      end

      # Waits until nothing is held, or until +deadline+.
      def wait_until_empty(deadline)
        @lock.synchronize do
          until @attempts.empty? || (left = deadline - Worker.now) <= 0
            @emptied.wait(@lock, left)
          end
        end
      end
    end
  end
end
