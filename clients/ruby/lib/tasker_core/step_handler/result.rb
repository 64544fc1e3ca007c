# frozen_string_literal: true

module TaskerCore
  module StepHandler
    # How an attempt ended: it succeeded with a result, failed, or got as far as a checkpoint and goes on from there.
    class Result
      attr_reader :kind, :value, :metadata, :message, :error_type, :error_code, :retry_after, :backtrace,
                  :cursor, :items_processed

      class << self
        def success(value = nil, result: value, metadata: {})
          new(:success, value: result.nil? ? {} : result, metadata:)
        end

        # +retry_after+ are seconds to wait at least before the next attempt.
        def failure(text = nil, message: text, error_type: 'handler_error', retryable: true, error_code: nil,
                    retry_after: nil, metadata: {}, backtrace: nil)
          new(:failure, message: message.to_s, error_type: error_type.to_s, retryable:, metadata:,
                        error_code:, retry_after:, backtrace:)
        end

        def checkpoint(cursor:, items_processed:, accumulated_results: nil)
          new(:checkpoint, cursor:, items_processed:, value: accumulated_results)
        end

        private :new
      end

      def initialize(kind, metadata: {}, **said)
        @kind = kind
        @metadata = metadata || {}
        said.each { |name, value| instance_variable_set(:"@#{name}", value) }
        freeze
      end

      def success?
        kind == :success
      end

      def failure?
        kind == :failure
      end

      def checkpoint?
        kind == :checkpoint
      end

      def retryable?
        @retryable
      end

      # The report of the worker protocol that tells it: its operation, and the body.
      def report
        case kind
        when :success then ['complete', { result: value, metadata: }]
        when :checkpoint
          ['checkpoint', { cursor:, items_processed:, accumulated_results: value }]
        else ['fail', { error: }]
        end
      end

      private

      def error
        pause = retry_after && { retry_after_ms: (retry_after * 1_000).round }
        { message:, error_type:, error_code:, retryable: retryable?,
          backtrace:, context: metadata, **(pause || {}) }.compact
      end
    end
  end
end
