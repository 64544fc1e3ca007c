# frozen_string_literal: true

module TaskerCore
  # Base of everything that Tasker raises.
  class Error < StandardError; end

  # A handler is declared in a way that cannot work.
  class HandlerDeclarationError < Error; end

  # A call could not be carried out. +code+ and +status+ are the server's, +field+ names the argument at fault; each is
  # nil where there is none. +details+ are the server's, by name.
  class ClientError < Error
    attr_reader :code, :status, :field, :details

    def initialize(message, code: nil, status: nil, field: nil, details: nil)
      super(message)
      @code = code
      @status = status
      @field = field
      @details = details || {}
    end

    # May the same call succeed later?
    def retryable?
      false
    end
  end

  # An argument is malformed.
  class InvalidRequestError < ClientError; end

  # A setting can't be used; the message names it.
  class SettingsError < InvalidRequestError; end

  # A context or result isn't JSON, or is nested too deeply; the message says where.
  class PayloadError < InvalidRequestError; end

  # A context or result is larger than what is kept.
  class PayloadTooLargeError < PayloadError; end

  # A context doesn't fit the template's +input_schema+.
  class SchemaViolationError < InvalidRequestError
    # All that was found: hashes with "path" and "message".
    def violations
      details.fetch('violations', [])
    end
  end

  # This task exists already.
  class DuplicateTaskError < ClientError
    # The task that exists.
    def task_uuid
      details['task_uuid']
    end

    # Is it of the same content? Not so where a key came back with another context.
    def same_context?
      details.fetch('same_context', true)
    end
  end

  # What was asked for isn't there.
  class NotFoundError < ClientError; end
  class TaskNotFoundError < NotFoundError; end
  class StepNotFoundError < NotFoundError; end

  # No such template is registered.
  class UnknownTemplateError < NotFoundError; end

  # The state of the task doesn't allow it.
  class TaskStateError < ClientError
    def state
      details['state']
    end
  end

  # The server doesn't accept who asks.
  class CredentialsError < ClientError; end

  # The server doesn't permit it to who asks.
  class NotPermittedError < ClientError; end

  # The server can't be reached, or can't do its work.
  class ServerError < ClientError
    def initialize(message, retryable: true, **said)
      super(message, **said)
      @retryable = retryable
    end

    def retryable?
      @retryable
    end
  end

  # The server creates no tasks for a while, since too much waits.
  class ServerOverloadedError < ServerError
    # Seconds to wait before asking again.
    def retry_after
      details['retry_after_seconds']
    end
  end
end
