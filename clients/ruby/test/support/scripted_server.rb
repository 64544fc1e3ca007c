# frozen_string_literal: true

require 'json'
require 'socket'

# A server whose answers a test writes: its block gets each request, and returns [status, body, headers], or :close for
# a connection that ends without an answer. It speaks HTTP/1.1 with connections that are kept.
class ScriptedServer
  Request = Struct.new(:verb, :target, :headers, :body, :connection, keyword_init: true) do
    def path
      target.split('?').first
    end

    def query
      URI.decode_www_form(target.split('?', 2)[1] || '').to_h
    end

    def json
      body.empty? ? nil : JSON.parse(body)
    end
  end

  attr_reader :requests, :url

  def initialize(&script)
    @script = script
    @socket = TCPServer.new('127.0.0.1', 0)
    @url = "http://127.0.0.1:#{@socket.addr[1]}"
    @requests = []
    @lock = Mutex.new
    @connections = []
    @listener = Thread.new { listen }
  end

  def to(path)
    @lock.synchronize { @requests.select { |request| request.path == path } }
  end

  # Ends all connections, without a word.
  def hang_up
    @lock.synchronize { @connections.dup }.each(&:close)
  end

  def stop
    @listener.kill
    @socket.close
    hang_up
  end

  private

  def listen
    loop do
      connection = @socket.accept
      number = @lock.synchronize { @connections.push(connection).size }
      Thread.new { serve(connection, number) }
    end
  end

  def serve(connection, number)
    while (request = read(connection, number))
      @lock.synchronize { @requests << request }
      answer = @script.call(request)
      break connection.close if answer == :close

      write(connection, *answer)
    end
  rescue IOError, SystemCallError
    nil # The other side went away, as it may.
  end

  def read(connection, number)
    line = connection.gets or return
    verb, target, = line.split
    headers = {}
    while (line = connection.gets) && line != "\r\n"
      name, value = line.chomp.split(': ', 2)
      headers[name.downcase] = value
    end
    body = connection.read(headers.fetch('content-length', 0).to_i).force_encoding('UTF-8')
    Request.new(verb:, target:, headers:, body:, connection: number)
  end

  def write(connection, status, body = nil, headers = {})
    text = body.is_a?(String) ? body : body && JSON.generate(body)
    lines = { 'Content-Type' => 'application/json', 'Content-Length' => text.to_s.bytesize }.merge(headers)
    head = lines.map { |name, value| "#{name}: #{value}\r\n" }.join
    connection.write("HTTP/1.1 #{status} Said\r\n#{head}\r\n#{text}")
  end
end
