# frozen_string_literal: true

require 'net/http'
require 'openssl'

module TaskerCore
  class Http
    # Connections to one server, kept alive: one for each thread that asks, since Net::HTTP's belong to one at a time.
    class Connections
      # What is raised where a question isn't answered.
      LOST = [SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError,
              Net::ProtocolError, Net::HTTPBadResponse, Net::HTTPHeaderSyntaxError].freeze
      # Raised before anything was sent.
      UNREACHED = [Errno::ECONNREFUSED, Errno::EHOSTUNREACH, Errno::ENETUNREACH, Net::OpenTimeout, SocketError].freeze
      # Seconds of silence after which a server, or a proxy, may be about to close a connection.
      IDLE = 15
      VERBS = { get: Net::HTTP::Get, post: Net::HTTP::Post, patch: Net::HTTP::Patch, put: Net::HTTP::Put,
                delete: Net::HTTP::Delete }.freeze

      # The server's URL, as errors tell it.
      attr_reader :name

      def initialize(configuration, headers = {})
        @address = configuration.address
        @connect_timeout = configuration.connect_timeout
        @name = "#{@address.scheme}://#{@address.host}:#{@address.port}#{@address.path}".chomp('/')
        @headers = { 'User-Agent' => "tasker-core-rb/#{VERSION}", 'Accept-Encoding' => 'identity',
                     'Content-Type' => 'application/json' }
                   .merge(credentials(configuration), headers)
        @lock = Mutex.new
        forget
      end

      # The response to one try, which may take +seconds+. Raises one of LOST.
      def say(verb, target, body, seconds)
        request = VERBS.fetch(verb).new(@address.path.chomp('/') + target, @headers)
        request.body = body
        http = mine
        http.read_timeout = http.write_timeout = seconds
        http.open_timeout = [seconds, @connect_timeout].min
        http.start unless http.started?
        http.request(request)
      rescue *LOST
        drop(http)
        raise
      end

      # Closes all connections; threads that wait on one get an IOError.
      def close
        connections = @lock.synchronize { @by_thread.values.tap { forget } }
        connections.each { |http| finish(http) }
      end

      # Closes the connection of one thread, which gets an IOError where it waits on it.
      def close_of(thread)
        finish(@lock.synchronize { @by_thread.delete(thread) })
      end

      private

      def credentials(configuration)
        header, value = token_or_key(configuration)
        return {} if value.nil?
        return { header => value } if value.ascii_only? && !value.match?(/[^[:print:]]/)

        raise SettingsError.new("the credentials for #{header} hold a character that no header can", field: header)
      end

      def token_or_key(configuration)
        return ['Authorization', "Bearer #{configuration.token}"] if configuration.token

        [configuration.api_key_header, configuration.api_key]
      end

      def forget
        @by_thread = {}
        @process = Process.pid
      end

      def mine
        @lock.synchronize do
          # The parent goes on to speak on its connections; this child of it has none.
          forget if @process != Process.pid
          @by_thread[Thread.current] ||= made
        end
      end

      def made
        @by_thread.delete_if { |thread, http| !thread.alive? && finish(http) }
        Net::HTTP.new(@address.host, @address.port).tap do |http|
          http.use_ssl = @address.scheme == 'https'
          http.keep_alive_timeout = IDLE
          http.max_retries = 0
        end
      end

      def drop(http)
        @lock.synchronize { @by_thread.delete_if { |_, kept| kept.equal?(http) } }
        finish(http)
      end

      def finish(http)
        http.finish if http&.started?
        true
      rescue IOError
        true
      end
    end
  end
end
