# frozen_string_literal: true

module TaskerCore
  class Http
    # The errors that a server's answers tell.
    module Refusals
      NOT_FOUND = { 'task' => TaskNotFoundError, 'step' => StepNotFoundError,
                    'template' => UnknownTemplateError }.freeze

      class << self
        # The error for an answer that isn't a good one.
        def error_of(response, server)
          said = error_in(response) or return stranger(response, server)
          status = response.code.to_i
          kind = kind_of(status, said)
          more = { code: said['code'], status:, field: said['field'], details: said['details'] }
          return kind.new(message(kind, said, server), **more) unless kind <= ServerError

          request = response['X-Request-ID'] || '?'
          kind.new("#{server}: #{said['message']} (#{status}, request #{request})",
                   retryable: Tries::ONCE_MORE.include?(status), **more)
        end

        # The error for an answer that no server of Tasker gives: a proxy's, or another service's.
        def stranger(response, server)
          status = response.code.to_i
          why = if response.is_a?(Net::HTTPRedirection)
                  "leads on to #{response['Location']}, which isn't followed; give the URL that answers itself"
                else
                  "answers #{status} with #{response['Content-Type'] || 'no content type'}, as no server of Tasker " \
                    'does; is the URL right, or does a proxy answer?'
                end
          ServerError.new("#{server} #{why}", status:, retryable: Tries::ONCE_MORE.include?(status))
        end

        # The error object of an answer, if it is one of Tasker's.
        def error_in(response)
          said = Payload.decode(response.body.to_s)
          error = said['error'] if said.is_a?(Hash)
          error if error.is_a?(Hash)
        rescue JSON::ParserError
          nil
        end

        private

        def kind_of(status, said)
          case [status, said['code']]
          in [404, 'NOT_FOUND'] then NOT_FOUND.fetch(said.dig('details', 'resource'), NotFoundError)
          in [409, 'CONFLICT'] if said.dig('details', 'task_uuid') then DuplicateTaskError
          in [400, 'INVALID_STATE'] then TaskStateError
          in [422, 'SCHEMA_VIOLATION'] then SchemaViolationError
          in [413, _] then PayloadTooLargeError
          in [401, _] then CredentialsError
          in [403, _] then NotPermittedError
          in [400 | 409 | 415 | 422, _] then InvalidRequestError
          in [503, 'BACKPRESSURE'] then ServerOverloadedError
          else ServerError
          end
        end

        def message(kind, said, server)
          return said['message'] unless kind == CredentialsError

          "#{said['message']}; #{server} wants an API key (TASKER_API_KEY) or a token (TASKER_AUTH_TOKEN)"
        end
      end
    end
  end
end
