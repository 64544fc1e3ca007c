# frozen_string_literal: true

require_relative 'scripted_server'

# The server's half of the worker protocol, as little as a worker's tests need: leases come from a queue, and +say+ has
# the next request at a door answered as the test wants.
class ProtocolServer
  DOORS = { %r{\A/v1/workers\z} => :register, %r{/claims\z} => :claims, %r{/heartbeat\z} => :heartbeat,
            %r{/reports\z} => :reports, %r{/results\z} => :results, %r{\A/v1/workers/[^/]+\z} => :leave }.freeze

  ANSWERS = { reports: :settle }.freeze

  attr_reader :limits, :reports
  attr_accessor :statuses, :directive

  def initialize(**limits)
    @limits = { lease_ms: 5_000, heartbeat_ms: 50, max_wait_ms: 2_000, max_claim: 50, max_reports: 50,
                max_payload_bytes: 10_000 }.merge(limits)
    @waiting = Queue.new
    @scripts = Hash.new { |scripts, door| scripts[door] = Queue.new }
    @reports = Queue.new
    @statuses = {}
    @leases = 0
    @workers = 0
    @server = ScriptedServer.new { |request| answer(request) }
  end

  def url = @server.url

  def stop = @server.stop

  # The requests at a door, as their bodies.
  def said(door)
    @server.requests.select { |request| door_of(request) == door }.map(&:json)
  end

  def requests = @server.requests

  # The next request at +door+ is answered so: [status, body], :close, or what a block makes of the request.
  def say(door, answer = nil, &block)
    @scripts[door] << (block || ->(_) { answer })
  end

  # Puts a step into the queue.
  def lease(handler, context = {}, **more)
    number = (@leases += 1)
    @waiting << { lease_id: "l#{number}", token: "t#{number}", fence: 1, lease_ms: 5_000, timeout_ms: nil,
                  task_uuid: "task-#{number}", step_uuid: 'step', namespace: 'test',
                  template: { name: 'test', version: '1.0.0' }, step: handler, handler:, method: nil, attempt: 1,
                  max_attempts: 3, context:, dependency_results: {}, step_config: {}, inputs: nil, checkpoint: nil,
                  idempotency_key: "key-#{number}", correlation_id: 'c', traceparent: nil }.merge(more)
    "l#{number}"
  end

  def refusal(status, code, headers = {})
    [status, { error: { code:, message: "no: #{code}" } }, headers]
  end

  def left = @waiting.size

  def take(most)
    Array.new([most, @waiting.size].min) { @waiting.pop }
  end

  private

  def answer(request)
    door = door_of(request)
    script = @scripts[door].pop(true) unless @scripts[door].empty?
    script&.call(request) || send(ANSWERS.fetch(door, door), request)
  end

  def door_of(request)
    DOORS.find { |pattern, _| pattern.match?(request.path) }&.last
  end

  def register(_request)
    [201, { worker_id: "w#{@workers += 1}", served: [], **@limits }]
  end

  def claims(request)
    deadline = TaskerCore::Worker.now + (request.json['wait_ms'] / 1_000.0)
    worker = @workers
    sleep(0.002) while @waiting.empty? && TaskerCore::Worker.now < deadline && worker == @workers
    return refusal(404, 'WORKER_UNKNOWN') unless request.path.include?("/w#{@workers}/")

    leases = take(request.json['max'])
    leases.empty? ? [204] : [200, { leases:, more: !@waiting.empty?, directive: 'run' }]
  end

  def heartbeat(request)
    leases = request.json['leases'].map do |lease|
      { lease_id: lease['lease_id'], status: @statuses.fetch(lease['lease_id'], 'extended') }
    end
    [200, { leases:, directive: @directive || 'run', lease_ms: @limits[:lease_ms] }]
  end

  def settle(request)
    results = request.json['reports'].map do |report|
      @reports << report
      { lease_id: report['lease_id'], status: 200, replayed: false }
    end
    [200, { results:, leases: take(request.json.dig('claim', 'max') || 0), more: false, directive: 'run' }]
  end

  def results(_request)
    [200, { found: true, result: { result: { far: true } } }]
  end

  def leave(_request)
    [200, { released: 0 }]
  end
end
