# frozen_string_literal: true

module TaskerCore
  class Worker
    # How an attempt ended, as the text of its report. +place+ says that it leaves room for another lease.
    class Outcome
      UNFIT = 'serialization_error'

      attr_reader :attempt, :text, :place

      class << self
        # The outcome that +result+ is; a failure where it has no JSON form or is too large.
        def of(attempt, result, place: true)
          operation, body = result.report
          text = Payload.encode(attempt.head(operation).merge(tidy(body)), "result of step #{attempt.lease['step']}")
          return new(attempt, text, place) if text.bytesize <= attempt.session.max_payload_bytes || fits?(attempt, body)

          limit = attempt.session.max_payload_bytes
          unfit(attempt, "what step #{attempt.lease['step']} returned is larger than #{limit} bytes as JSON", place:)
        rescue PayloadError => e
          unfit(attempt, e.message, place:)
        end

        # A failure instead of an outcome that can't be kept.
        def unfit(attempt, message, place: true)
          error = { message:, error_type: UNFIT, retryable: false }
          new(attempt, Payload.encode(attempt.head('fail').merge(error:), 'failure'), place, final: true)
        end

        # It goes back into the queue.
        def release(attempt, reason)
          new(attempt, Payload.encode(attempt.head('release').merge(reason:), 'release'), true)
        end

        private

        # The text may be larger than what counts: one part of it.
        def fits?(attempt, body)
          parts = [*body.values_at(:result, :metadata, :cursor, :accumulated_results), body.dig(:error, :context)]
          parts.all? { |part| Payload.encode(part, 'result').bytesize <= attempt.session.max_payload_bytes }
        end

        # Messages of errors may hold anything.
        def tidy(body)
          return body unless body.key?(:error)

          error = body[:error]
          { error: error.merge(message: clean(error[:message]),
                               backtrace: error[:backtrace]&.map { |line| clean(line) }).compact }
        end

        def clean(text)
          text = text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)
          text.scrub.delete("\0")
        end
      end

      def initialize(attempt, text, place, final: false)
        @attempt = attempt
        @text = text
        @place = place
        @final = final
      end

      # Is nothing left to be said instead, where the server refuses it?
      def final?
        @final
      end
    end
  end
end
