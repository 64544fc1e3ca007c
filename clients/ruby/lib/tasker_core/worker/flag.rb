# frozen_string_literal: true

module TaskerCore
  class Worker
    # Something that comes true once, and can be waited for.
    class Flag
      def initialize
        @lock = Mutex.new
        @changed = ConditionVariable.new
        @up = false
      end

      def up?
        @up
      end

      def raise_up
        @lock.synchronize do
          @up = true
          @changed.broadcast
        end
      end

      def lower
        @lock.synchronize { @up = false }
      end

      # Sleeps for +seconds+, or until it is up; whether it is.
      def wait(seconds = nil)
        deadline = seconds && (Worker.now + seconds)
        @lock.synchronize do
          until @up
            left = deadline && (deadline - Worker.now)
            break if left && left <= 0

            @changed.wait(@lock, left)
          end
          @up
        end
      end
    end
  end
end
