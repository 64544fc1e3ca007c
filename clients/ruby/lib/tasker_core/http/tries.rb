# frozen_string_literal: true

module TaskerCore
  class Http
    # The tries of one question: at most one more than +retries+ of the configuration, within its +timeout+.
    class Tries
      # Statuses of answers that say: not now.
      ONCE_MORE = [408, 429, 502, 503, 504].freeze
      # Seconds before the first repetition, by how much each next pause is longer, and where that ends.
      FIRST_PAUSE = 0.2
      GROWTH = 3.0
      LONGEST_PAUSE = 5.0

      def initialize(request, server, configuration)
        @request = request
        @server = server
        @retries = request.once ? 0 : configuration.retries
        @began = now
        @deadline = @began + configuration.timeout + (request.waiting || 0)
        @count = 1
      end

      def seconds_left
        [@deadline - now, 0.001].max
      end

      # For how many seconds to wait before the next try; nil where +outcome+ is the last word.
      def pause_after(outcome)
        return unless not_now?(outcome)

        longest = [FIRST_PAUSE * (GROWTH**(@count - 1)), LONGEST_PAUSE].min
        pause = [rand((longest / 2)..longest), asked_for(outcome)].max
        return if @count > @retries || now + pause >= @deadline

        @count += 1
        pause
      end

      # The data of the last word. Raises ClientError where it isn't a good one.
      def answer(outcome)
        raise unanswered(outcome) unless outcome.is_a?(Net::HTTPResponse)

        read(outcome)
      rescue ClientError => e
        raise unless @count > 1 && @request.is_done&.call(e)
      end

      private

      def now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end

      def not_now?(outcome)
        !outcome.is_a?(Net::HTTPResponse) || ONCE_MORE.include?(outcome.code.to_i)
      end

      def asked_for(outcome)
        said = outcome['Retry-After'] if outcome.is_a?(Net::HTTPResponse)
        said&.match?(/\A\d+\z/) ? said.to_f : 0.0
      end

      def read(response)
        raise Refusals.error_of(response, @server) unless response.is_a?(Net::HTTPSuccess)

        Payload.decode(response.body)
      rescue JSON::ParserError
        raise Refusals.stranger(response, @server)
      end

      def unanswered(error)
        seconds = (now - @began).round(1)
        tried = @count > 1 ? "tried #{@count} times in #{seconds} s" : "after #{seconds} s"
        why = "#{error.message} (#{tried})"
        return ServerError.new("#{@server} can't be reached: #{why}") if unreached?(error)

        done = @request.verb == :get ? '' : '; what was asked may have been done, and may be asked again'
        ServerError.new("#{@server} didn't answer: #{why}#{done}")
      end

      def unreached?(error)
        Connections::UNREACHED.any? { |kind| error.is_a?(kind) }
      end
    end
  end
end
