# frozen_string_literal: true

module TaskerCore
  class Worker
    # A lease in hand. It ends once: by its handler, by its time, or because it was lost; whoever comes later is told.
    class Attempt
      attr_reader :lease, :session

      def initialize(lease, session)
        @lease = lease
        @session = session
        @lock = Mutex.new
        @begun = false
        @ended = false
        @over = false
        @lost = false
      end

      def id = @lease['lease_id']

      # Has whatever its handler does become pointless?
      def over?
        @over
      end

      # The handler starts now, and may run as long as the lease says.
      def begin
        limit = @lease['timeout_ms']
        @due = limit && (Worker.now + (limit / 1_000.0))
        @begun = true
      end

      def running?
        @begun && !@ended
      end

      def out_of_time?
        !@due.nil? && Worker.now >= @due
      end

      # Ends it: true for the first who does. +over+ tells the handler, which may still run.
      def finish(over: false)
        @lock.synchronize do
          @over = true if over
          !@ended.tap { @ended = true }
        end
      end

      # The handler is told that it is over; what it returns all the same is reported.
      def warn
        @over = true
      end

      # Somebody else has it, or nobody: the handler is told, and nothing is reported.
      def lose
        @lost = true
        finish(over: true)
      end

      def lost?
        @lost
      end

      def finished?
        @ended
      end

      # The head of each report: its operation, and what proves that the lease is this worker's.
      def head(operation)
        { op: operation, lease_id: id, token: @lease['token'] }
      end
    end
  end
end
