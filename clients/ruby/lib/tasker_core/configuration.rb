# frozen_string_literal: true

require 'logger'
require 'socket'
require 'uri'

module TaskerCore
  # Where the server is, who asks, and how a worker runs. Every setting begins as its environment variable says.
  class Configuration
    # The server's URL: TASKER_URL.
    attr_reader :url
    # TASKER_API_KEY, sent in the header +api_key_header+ (TASKER_API_KEY_HEADER, else X-API-Key).
    attr_accessor :api_key, :api_key_header
    # A bearer token, sent instead of an API key: TASKER_ORCHESTRATION_AUTH_TOKEN, TASKER_AUTH_TOKEN.
    attr_accessor :token
    # Seconds that a call, and connecting, may take: TASKER_CLIENT_TIMEOUT, TASKER_CLIENT_CONNECT_TIMEOUT.
    attr_accessor :timeout, :connect_timeout
    # How often a call is repeated that may be: TASKER_CLIENT_RETRIES.
    attr_accessor :retries
    # Who creates tasks, for the record.
    attr_accessor :initiator, :source_system
    # The worker's name, else host and process id: TASKER_WORKER_NAME.
    attr_accessor :worker_name
    # Handlers that run at once: TASKER_WORKER_CONCURRENCY.
    attr_accessor :concurrency
    # Namespaces that the worker serves, none: all: TASKER_WORKER_NAMESPACES.
    attr_accessor :namespaces
    # Seconds that a stop waits for what runs: TASKER_WORKER_SHUTDOWN_TIMEOUT.
    attr_accessor :shutdown_timeout
    # Files or directories of handlers that a worker loads: TASKER_WORKER_HANDLERS.
    attr_accessor :handlers
    attr_accessor :logger
    # What runs each step, a Proc that is given one and calls it: Rails' executor, say.
    attr_accessor :around_step

    def initialize(environment = ENV)
      @environment = environment
      read_client
      read_worker
      @logger = Logger.new($stderr, progname: 'tasker', level: Logger::INFO)
    end

    # +value+ is the server's URL, or nil. Raises SettingsError for what is none.
    def url=(value)
      @url = value && checked(value)
    end

    # The server's URL as a URI. Raises SettingsError where there is none.
    def address
      raise SettingsError.new('no server is named: set TASKER_URL, or config.url', field: 'url') if url.nil?

      URI.parse(url)
    end

    # The same, where +changes+ don't say otherwise; those that are nil are passed over.
    #
    #   TaskerCore.configuration.with(url: 'http://127.0.0.1:8080', timeout: 5)
    def with(**changes)
      given = changes.compact
      dup.tap do |copy|
        copy.token = nil if given.key?(:api_key)
        given.each { |name, value| copy.public_send(:"#{name}=", value) }
      end
    end

    private

    def read_client
      self.url = text('TASKER_URL')
      @api_key = text('TASKER_API_KEY')
      @api_key_header = text('TASKER_API_KEY_HEADER') || 'X-API-Key'
      @token = text('TASKER_ORCHESTRATION_AUTH_TOKEN') || text('TASKER_AUTH_TOKEN')
      @timeout = number('TASKER_CLIENT_TIMEOUT', 30.0, above: 0)
      @connect_timeout = number('TASKER_CLIENT_CONNECT_TIMEOUT', 5.0, above: 0)
      @retries = whole('TASKER_CLIENT_RETRIES', 3, least: 0)
      @initiator = 'tasker-core-ruby'
      @source_system = 'tasker-core'
    end

    def read_worker
      @worker_name = text('TASKER_WORKER_NAME') || "#{Socket.gethostname}-#{Process.pid}"
      @concurrency = whole('TASKER_WORKER_CONCURRENCY', 10, least: 1)
      @namespaces = list('TASKER_WORKER_NAMESPACES')
      @handlers = list('TASKER_WORKER_HANDLERS')
      @shutdown_timeout = number('TASKER_WORKER_SHUTDOWN_TIMEOUT', 30.0)
    end

    def text(name)
      value = @environment[name]
      value unless value.nil? || value.strip.empty?
    end

    def list(name)
      (text(name) || '').split(',').map(&:strip).reject(&:empty?)
    end

    def number(name, default, above: nil)
      said = text(name) or return default
      value = Float(said, exception: false)
      return value if value&.finite? && (above ? value > above : value >= 0)

      range = above ? "above #{above}" : 'of at least 0'
      raise SettingsError.new("#{name} must be a number #{range}, not #{said.inspect}", field: name)
    end

    def whole(name, default, least:)
      said = text(name) or return default
      value = Integer(said, 10, exception: false)
      return value if value && value >= least

      raise SettingsError.new("#{name} must be a whole number of at least #{least}, not #{said.inspect}", field: name)
    end

    def checked(value)
      uri = URI.parse(value.to_s)
      return value.to_s.chomp('/') if uri.is_a?(URI::HTTP) && uri.host

      raise SettingsError.new("url must be an http or https URL, as http://127.0.0.1:8080, not #{value.inspect}",
                              field: 'url')
    rescue URI::InvalidURIError
      raise SettingsError.new("url must be an http or https URL, not #{value.inspect}", field: 'url')
    end
  end
end
