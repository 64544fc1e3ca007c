# frozen_string_literal: true

require_relative 'test_helper'
require_relative 'support/protocol_server'

# What every test of a worker needs: a scripted server, and a worker that is stopped.
class WorkerCase < Minitest::Test
  include Patience

  QUIET = Logger.new(IO::NULL)
  GATE = Queue.new

  extend TaskerCore::StepHandler::Functional
  step_handler('worker.echo') { |context| context.input_data.to_h }
  step_handler('worker.fail') { raise TaskerCore::Errors::PermanentError, "never \xFF" }
  step_handler('worker.big', inputs: [:bytes]) { |bytes| { blob: 'x' * bytes } }
  step_handler('worker.odd') { { odd: Object.new } }
  step_handler('worker.wait', inputs: [:seconds]) do |seconds, context|
    deadline = TaskerCore::Worker.now + (seconds || 5)
    sleep(0.005) until context.cancelled? || TaskerCore::Worker.now > deadline
    GATE << (context.cancelled? ? 'cancelled' : 'waited')
    { cancelled: context.cancelled? }
  end
  step_handler('worker.deaf') { sleep(1.5) }
  step_handler('worker.far', depends_on: { far: 'far_step' }) { |far| far }
  step_handler('worker.exit') { exit(3) }

  def setup
    GATE.clear
    @server = ProtocolServer.new
    TaskerCore.configure { |config| config.logger = QUIET }
  end

  def teardown
    @worker&.stop(timeout: 0.2)
    @server.stop
    TaskerCore.reset_configuration
  end

  def work(**settings)
    @worker = TaskerCore::Worker.start(url: @server.url, concurrency: 2, worker_name: 'w', **settings)
  end

  # The next report; fails where none comes.
  def report
    wait_until('a report') { !@server.reports.empty? }
    @server.reports.pop
  end
end

class WorkerTest < WorkerCase
  def test_it_tells_who_it_is_and_what_it_runs
    work(namespaces: ['test'])
    said = @server.said(:register).first
    assert_equal ['w', 'ruby', ['test'], 2], said.values_at('name', 'language', 'namespaces', 'slots')
    assert_includes said['handlers'], { 'callable' => 'worker.echo' }
    assert_includes said['handlers'], { 'callable' => 'worker.far', 'dependencies' => ['far_step'] }
    assert_equal '1', @server.requests.first.headers['tasker-protocol']
  end

  def test_a_step_is_run_and_reported
    work
    @server.lease('worker.echo', { n: 2**70, text: "\u{1F375}" })
    assert_equal({ 'op' => 'complete', 'lease_id' => 'l1', 'token' => 't1', 'metadata' => {},
                   'result' => { 'n' => 2**70, 'text' => "\u{1F375}" } }, report)
  end

  def test_a_report_brings_the_next_step
    work(concurrency: 1)
    3.times { @server.lease('worker.echo') }
    3.times { report }
    assert_equal [1, 3], [@server.said(:claims).count { |claim| claim['max'] == 1 && @server.left.zero? }.clamp(0, 1),
                          @server.said(:reports).size]
    assert_equal([1, 1, 1], @server.said(:reports).map { |body| body.dig('claim', 'max') })
  end

  def test_it_never_holds_more_than_it_can_run
    work(concurrency: 3)
    40.times { @server.lease('worker.wait', { seconds: 0.01 }) }
    most = 0
    until @server.left.zero?
      most = [most, @worker.held.all.count { |attempt| !attempt.finished? }].max
      sleep(0.001)
    end
    40.times { report }
    assert_operator most, :<=, 3
    assert_equal 40, (@server.said(:reports).sum { |body| body['reports'].size })
  end

  def test_outcomes_that_come_together_are_told_together
    @server.say(:reports) { sleep(0.2) && nil }
    work(concurrency: 8)
    8.times { @server.lease('worker.echo') }
    8.times { report }
    assert_operator @server.said(:reports).size, :<=, 4
  end

  def test_failures
    work
    @server.lease('worker.fail')
    error = report['error']
    assert_equal ["never \uFFFD", 'permanent_error', false], error.values_at('message', 'error_type', 'retryable')
    assert_kind_of String, error['backtrace'].first

    @server.lease('worker.nowhere')
    assert_equal ['handler_not_found', false], report['error'].values_at('error_type', 'retryable')
    @server.lease('worker.exit')
    assert_equal ['SystemExit', true], report['error'].values_at('error_type', 'retryable')
  end

  def test_what_can_not_be_kept_fails
    work
    @server.lease('worker.odd')
    assert_equal ['serialization_error', false], report['error'].values_at('error_type', 'retryable')
    @server.lease('worker.big', { bytes: 20_000 })
    assert_includes report['error']['message'], 'larger than 10000 bytes'
  end

  def test_what_the_server_refuses_is_told_as_a_failure
    @server.say(:reports) do |request|
      id = request.json['reports'].first['lease_id']
      [200, { results: [{ lease_id: id, status: 413, code: 'PAYLOAD_TOO_LARGE', message: 'at most 7' }] }]
    end
    work
    @server.lease('worker.echo')
    told = report
    assert_equal %w[fail l1 serialization_error], [told['op'], told['lease_id'], told['error']['error_type']]
  end

  def test_a_report_that_can_not_be_read_costs_no_other
    hold = Queue.new
    @server.say(:reports) { hold.pop && nil }
    work(concurrency: 4)
    @server.lease('worker.echo')
    wait_until('the first report') { @server.said(:reports).size == 1 }
    3.times { @server.lease('worker.echo') }
    wait_until('their ends') { @worker.held.all.count(&:finished?) == 4 }
    @server.say(:reports, @server.refusal(400, 'BAD_REQUEST'))
    @server.say(:reports, @server.refusal(400, 'BAD_REQUEST'))
    hold << true
    assert_equal %w[complete complete complete fail], Array.new(4) { report['op'] }.sort
  end

  def test_what_did_not_come_along_is_asked_for
    work
    @server.lease('worker.far')
    assert_equal({ 'far' => true }, report['result'])
    assert_equal [{ 'token' => 't1', 'step' => 'far_step' }], @server.said(:results)
  end
end
