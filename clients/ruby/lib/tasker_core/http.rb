# frozen_string_literal: true

require_relative 'http/connections'
require_relative 'http/refusals'
require_relative 'http/tries'

module TaskerCore
  # Asks a server, from any thread, and is patient with a bad moment.
  class Http
    # One question. Whatever a client asks may be asked again where the answer was lost; +is_done+ tells, of the error
    # that a repeated question gets, whether the first one did what was asked. +waiting+ is for how many seconds the
    # answer may be held back.
    Request = Struct.new(:verb, :path, :query, :body, :is_done, :waiting, :once, keyword_init: true)

    def initialize(configuration)
      @configuration = configuration
      @connections = Connections.new(configuration)
    end

    # The server's answer, as plain data. Raises ClientError.
    def ask(verb, path, **more)
      request = Request.new(verb:, path:, **more)
      tries = Tries.new(request, @connections.name, @configuration)
      loop do
        outcome = one_try(request, tries)
        pause = tries.pause_after(outcome)
        return tries.answer(outcome) if pause.nil?

        sleep(pause)
      end
    end

    # Lets go of the connections.
    def close
      @connections.close
    end

    private

    def one_try(request, tries)
      body = request.body && Payload.encode(request.body, 'request')
      @connections.say(request.verb, target(request), body, tries.seconds_left)
    rescue *Connections::LOST => e
      e
    end

    def target(request)
      query = (request.query || {}).compact
      query.empty? ? request.path : "#{request.path}?#{URI.encode_www_form(query)}"
    end
  end
end
