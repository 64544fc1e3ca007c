# frozen_string_literal: true

module TaskerCore
  class Worker
    # Speaks the worker protocol: one request, one answer, and what an answer that isn't a good one means.
    class Wire
      # Not answered, or "not now": the same request again, after +pause+ seconds where the server names them.
      class Lost < StandardError
        attr_reader :pause

        def initialize(message, pause = nil)
          super(message)
          @pause = pause
        end
      end

      # The server doesn't know this worker any more.
      class Unknown < StandardError; end

      # The server's last word.
      class Refused < StandardError
        attr_reader :status, :code

        def initialize(status, code, message)
          super("#{message} (#{status} #{code})")
          @status = status
          @code = code
        end

        # Is it about who asks?
        def credentials?
          [401, 403].include?(status)
        end
      end

      NOT_NOW = [408, 429].freeze

      def initialize(configuration)
        @connections = Http::Connections.new(configuration, 'Tasker-Protocol' => '1')
      end

      def name
        @connections.name
      end

      # The data of a good answer, nil for 204. +text+ is the body, as JSON; the answer may take +seconds+. Raises Lost,
      # Unknown and Refused.
      def ask(verb, path, text, seconds)
        data_of(@connections.say(verb, path, text, seconds))
      rescue *Http::Connections::LOST => e
        raise Lost, "#{name} didn't answer: #{e.message}"
      end

      # Ends the request that +thread+ waits in.
      def hang_up(thread)
        @connections.close_of(thread)
      end

      def close
        @connections.close
      end

      private

      def data_of(response)
        status = response.code.to_i
        return if status == 204
        return Payload.decode(response.body) if response.is_a?(Net::HTTPSuccess)

        raise refusal(status, response)
      rescue JSON::ParserError
        raise Lost, "#{name} answers #{status} with something else than JSON"
      end

      def refusal(status, response)
        said = Http::Refusals.error_in(response) || {}
        message = "#{name}: #{said['message'] || 'no server of Tasker answers so'}"
        return Lost.new("#{message} (#{status})", asked_for(response)) if status >= 500 || NOT_NOW.include?(status)
        return Unknown.new(message) if said['code'] == 'WORKER_UNKNOWN'

        Refused.new(status, said['code'], message)
      end

      def asked_for(response)
        said = response['Retry-After']
        said.to_f if said&.match?(/\A\d+\z/)
      end
    end
  end
end
