# frozen_string_literal: true

module TaskerCore
  # What a handler raises: each class says whether another attempt may help.
  #
  #   raise TaskerCore::Errors::PermanentError.new('card declined', error_code: 'card_declined')
  #   raise TaskerCore::Errors::RetryableError.new('gateway is busy', retry_after: 30)
  module Errors
    # Base of the errors of handlers. +retry_after+ are seconds to wait at least before the next attempt; +context+ is
    # stored with the failure.
    class Error < TaskerCore::Error
      attr_reader :error_code, :retry_after, :context

      def initialize(message = nil, error_code: nil, retry_after: nil, context: nil)
        super(message)
        @error_code = error_code
        @retry_after = retry_after
        @context = context || {}
      end

      def retryable?
        true
      end
    end

    # Something that may pass: the step is tried again while it has attempts left.
    class RetryableError < Error; end

    # Something that no further attempt can mend: the step ends here, and so does what depends on it.
    class PermanentError < Error
      def retryable?
        false
      end
    end

    # An operation took too long.
    class TimeoutError < RetryableError; end
    # A connection failed or broke.
    class NetworkError < RetryableError; end
    # A service asked for fewer requests; pass its delay as +retry_after+.
    class RateLimitError < RetryableError; end
    # A service is down or overloaded for now.
    class ServiceUnavailableError < RetryableError; end
    # A lock, a row or a pool is in use by someone else.
    class ResourceContentionError < RetryableError; end

    # The data is wrong and stays wrong.
    class ValidationError < PermanentError; end
    # What the step needs does not exist.
    class NotFoundError < PermanentError; end
    # The credentials were not accepted.
    class AuthenticationError < PermanentError; end
    # The credentials do not allow this.
    class AuthorizationError < PermanentError; end
    # A setting is missing or makes no sense.
    class ConfigurationError < PermanentError; end
    # A rule of the business says no.
    class BusinessLogicError < PermanentError; end

    # Raised by +context.heartbeat+ where the attempt is cancelled: nothing of it will be stored.
    class StepCancelledError < Error
      def retryable?
        false
      end
    end
  end
end
