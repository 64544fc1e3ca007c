# frozen_string_literal: true

module TaskerCore
  class Worker
    # Looks at the clock for what runs: ends attempts whose time is up, and tells handlers when their leases may be
    # over.
    class Watch
      TICK = 0.05
      # Seconds after which a worker whose every slot sits in a handler that doesn't return is of no use.
      GRACE = 10

      def initialize(worker)
        @worker = worker
        @ended = Flag.new
        @thread = Thread.new { look until @ended.wait(TICK) }
        @thread.name = 'tasker-watch'
      end

      def close
        @ended.raise_up
        @thread.join(1)
      end

      private

      def look
        @worker.held.all.each do |attempt|
          next unless attempt.running?

          if attempt.out_of_time? then end_in_time(attempt)
          elsif attempt.session.stale? then attempt.warn
          end
        end
        look_for_a_way_out
      end

      # Its thread goes on to be held by the handler, until that returns.
      def end_in_time(attempt)
        return unless attempt.finish(over: true)

        message = "it took longer than #{attempt.lease['timeout_ms']} ms"
        failure = StepHandler::Result.failure(message, error_type: 'timeout')
        @worker.report(Outcome.of(attempt, failure, place: false))
      end

      def look_for_a_way_out
        return @stuck_since = nil unless @worker.slots.stuck?

        @stuck_since ||= Worker.now
        return if Worker.now - @stuck_since < GRACE

        @worker.logger.error('every slot is held by a handler that has run out of time and does not return; ' \
                             'the worker ends, so that it can be started anew')
        @worker.end_with(EXIT_STUCK)
      end
    end
  end
end
