# frozen_string_literal: true

module TaskerCore
  module StepHandler
    # The data that a handler asks for doesn't fit its model.
    class UnfitError < Errors::ValidationError; end

    # From what a handler returned or raised to its result: the one place that knows these rules.
    module Endings
      # Lines of a backtrace that are kept.
      LINES = 50

      class << self
        # A result stays as it is, a Hash succeeds as it is, nil as {} and anything else as { result: value }.
        def result_of(value)
          case value
          when Result then value
          when Hash then Result.success(value)
          when nil then Result.success({})
          when Struct then Result.success(value.to_h)
          else Result.success({ result: value })
          end
        end

        # A result from what was raised: permanent, retryable, or, for what isn't Tasker's, worth another attempt.
        # +by_class+ has its error_type be the name of the exception's class, as for handlers that are classes.
        def failure_of(error, by_class: false)
          return plain_failure(error, by_class ? error.class.name : 'handler_error') unless error.is_a?(Errors::Error)

          Result.failure(message_of(error), error_type: by_class ? error.class.name.split('::').last : type_of(error),
                                            retryable: error.retryable?, error_code: error.error_code,
                                            retry_after: error.retry_after, metadata: error.context,
                                            backtrace: lines(error))
        end

        private

        def type_of(error)
          case error
          when UnfitError then 'validation_error'
          when Errors::PermanentError then 'permanent_error'
          when Errors::RetryableError then 'retryable_error'
          when Errors::StepCancelledError then 'cancelled'
          else 'handler_error'
          end
        end

        def plain_failure(error, type)
          Result.failure(message_of(error), error_type: type || 'handler_error', backtrace: lines(error),
                                            metadata: { exception_type: error.class.name })
        end

        def message_of(error)
          error.message.to_s.empty? ? error.class.name : error.message
        end

        def lines(error)
          error.backtrace&.first(LINES)
        end
      end
    end
  end
end
