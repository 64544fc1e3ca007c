# frozen_string_literal: true

module TaskerCore
  class Worker
    # The threads that run handlers, one attempt each at a time.
    class Slots
      def initialize(worker, count)
        @worker = worker
        @waiting = Queue.new
        @running = Array.new(count)
        @threads = Array.new(count) { |number| Thread.new { work(number) } }
      end

      def add(attempt)
        @waiting << attempt
      end

      # Gives back the attempts that haven't begun.
      def return_waiting
        loop { self.return(@waiting.pop(true)) }
      rescue ThreadError
        nil # There are no more.
      end

      # Gives one back.
      def return(attempt)
        release(attempt, 'the worker takes no more')
      end

      # Does a handler run?
      def busy?
        @running.any? { |attempt| attempt && !attempt.finished? }
      end

      # Does every thread sit in a handler whose attempt has ended?
      def stuck?
        @running.all? { |attempt| attempt&.finished? }
      end

      # Threads that sit in a handler whose attempt has ended stay behind.
      def close
        @waiting.close
      end

      private

      def work(number)
        Thread.current.name = "tasker-slot-#{number}"
        Thread.current.report_on_exception = true
        while (attempt = @waiting.pop)
          @running[number] = attempt
          run(attempt)
          @running[number] = nil
        end
      end

      def run(attempt)
        return @worker.leave(attempt) if attempt.over?
        return release(attempt, "the worker hasn't been heard for too long") if attempt.session.stale?

        attempt.begin
        outcome = outcome_of(attempt)
        attempt.finish ? @worker.report(outcome) : @worker.leave(attempt)
      end

      def release(attempt, reason)
        attempt.finish ? @worker.report(Outcome.release(attempt, reason)) : @worker.leave(attempt)
      end

      def outcome_of(attempt)
        Outcome.of(attempt, @worker.around { ending_of(attempt) })
      rescue Exception => e # rubocop:disable Lint/RescueException -- a handler that exits or overflows the stack fails
        Outcome.of(attempt, StepHandler::Endings.failure_of(e, by_class: true))
      end

      def ending_of(attempt)
        name = attempt.lease['handler']
        handler = @worker.handlers[name]
        if handler.nil?
          return StepHandler::Result.failure("no handler of this worker is called #{name}",
                                             error_type: 'handler_not_found', retryable: false)
        end
        reader = ->(step) { @worker.read_result(attempt, step) }
        handler.new.run(StepContext.new(attempt.lease, ending: attempt, reader:), attempt.lease['method'])
      end
    end
  end
end
