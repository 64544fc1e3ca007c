# frozen_string_literal: true

require_relative 'worker_test'

# Lost answers, lost leases, and servers that forget.
class WorkerTroubleTest < WorkerCase
  def test_a_claim_whose_answer_was_lost_is_asked_again_as_the_same
    @server.say(:claims, :close)
    @server.say(:claims, @server.refusal(500, 'INTERNAL_ERROR'))
    work
    @server.lease('worker.echo')
    report
    ids = @server.said(:claims).first(3).map { |body| body['request_id'] }
    assert_equal [3, 1], [ids.size, ids.uniq.size]
  end

  def test_a_report_whose_answer_was_lost_is_said_again_as_the_same
    2.times { @server.say(:reports, :close) }
    work
    @server.lease('worker.echo')
    report
    bodies = @server.said(:reports)
    assert_equal [3, 1], [bodies.size, bodies.uniq.size]
  end

  def test_a_lease_that_comes_twice_is_run_once
    work
    @server.lease('worker.wait', { seconds: 0.1 }, lease_id: 'same')
    wait_until('it runs') { @worker.held['same'] }
    @server.lease('worker.wait', { seconds: 0.1 }, lease_id: 'same')
    report
    sleep(0.15)
    assert_equal [1, 0], [GATE.size, @server.reports.size]
  end

  def test_a_report_that_came_too_late_is_dropped
    @server.say(:reports) { [200, { results: [{ lease_id: 'l1', status: 409, code: 'LEASE_LOST' }] }] }
    work
    @server.lease('worker.echo')
    wait_until('the report') { @server.said(:reports).any? }
    @server.lease('worker.echo')
    assert_equal 'l2', report['lease_id']
    assert_empty @worker.held.all
  end

  def test_a_busy_server_is_given_the_time_that_it_asks_for
    @server.say(:claims, @server.refusal(503, 'BACKPRESSURE', 'Retry-After' => '1'))
    began = TaskerCore::Worker.now
    work
    @server.lease('worker.echo')
    report
    assert_operator TaskerCore::Worker.now - began, :>=, 1
  end

  def test_a_cancelled_step_is_told_and_not_reported
    work
    @server.statuses[@server.lease('worker.wait')] = 'cancel'
    assert_equal 'cancelled', GATE.pop
    @server.lease('worker.echo')
    assert_equal 'l2', report['lease_id']
    assert_empty @server.reports
  end

  def test_every_lease_in_hand_is_named_by_heartbeats
    work
    @server.lease('worker.wait', { seconds: 0.2 })
    report
    named = @server.said(:heartbeat).flat_map { |body| body['leases'] }
    assert_includes named, { 'lease_id' => 'l1' }
    wait_until('it is named no more') { @server.said(:heartbeat).last['leases'].empty? }
  end

  def test_handlers_are_told_when_heartbeats_stay_away_for_nine_tenths_of_a_lease
    @server.stop
    @server = ProtocolServer.new(lease_ms: 600)
    work
    @server.lease('worker.wait')
    wait_until('it runs') { @worker.held['l1']&.running? }
    silent = TaskerCore::Worker.now
    40.times { @server.say(:heartbeat, :close) }
    assert_equal 'cancelled', GATE.pop
    assert_in_delta 0.5, TaskerCore::Worker.now - silent, 0.2
    assert_equal({ 'cancelled' => true }, report['result'])
  end

  def test_a_worker_that_is_forgotten_registers_again_and_drops_what_it_held
    work
    @server.lease('worker.wait')
    wait_until('it runs') { @worker.held['l1']&.running? }
    @server.say(:heartbeat, @server.refusal(404, 'WORKER_UNKNOWN'))
    assert_equal 'cancelled', GATE.pop
    wait_until('it registers') { @server.said(:register).size == 2 }
    assert_equal 1, @server.said(:register).map { |body| body['instance_id'] }.uniq.size

    @server.lease('worker.echo')
    assert_equal 'l2', report['lease_id']
    assert_includes @server.requests.map(&:path), '/v1/workers/w2/reports'
  end

  def test_a_server_that_forgets_at_once_or_has_nothing_is_not_stormed
    500.times { @server.say(:claims, @server.refusal(404, 'WORKER_UNKNOWN')) }
    work
    sleep(0.4)
    assert_operator @server.said(:register).size, :<=, 10

    @worker.stop
    @server.stop
    @server = ProtocolServer.new
    500.times { @server.say(:claims, [200, { leases: [], more: false }]) }
    work
    sleep(0.4)
    assert_operator @server.said(:claims).size, :<=, 40
  end

  def test_an_outcome_of_a_worker_that_is_forgotten_is_dropped
    @server.say(:reports, @server.refusal(404, 'WORKER_UNKNOWN'))
    work(concurrency: 1)
    @server.lease('worker.echo')
    wait_until('it registers') { @server.said(:register).size == 2 }
    @server.lease('worker.echo')
    assert_equal 'l2', report['lease_id']
  end

  def test_an_outcome_that_waited_meanwhile_is_dropped_too
    hold = Queue.new
    @server.say(:reports) { hold.pop && [200, { results: [{ lease_id: 'l1', status: 200 }] }] }
    work
    @server.lease('worker.echo')
    wait_until('the first report') { @server.said(:reports).any? }
    @server.lease('worker.echo')
    wait_until('its end') { @worker.held['l2']&.finished? }
    @server.say(:heartbeat, @server.refusal(404, 'WORKER_UNKNOWN'))
    wait_until('it registers') { @server.said(:register).size == 2 }
    hold << true
    @server.lease('worker.echo')
    assert_equal 'l3', report['lease_id']
  end

  def test_a_step_ends_when_its_time_is_up_and_its_thread_when_it_returns
    work(concurrency: 1)
    @server.lease('worker.wait', { seconds: 5 }, timeout_ms: 100)
    told = report
    assert_equal ['fail', 'timeout', true], [told['op'], *told['error'].values_at('error_type', 'retryable')]
    assert_equal 'cancelled', GATE.pop
    @server.lease('worker.echo')
    assert_equal 'l2', report['lease_id']
    assert_empty @server.reports
  end

  def test_it_ends_where_every_slot_is_held_by_a_handler_that_does_not_return
    grace = TaskerCore::Worker::Watch.send(:remove_const, :GRACE)
    TaskerCore::Worker::Watch.const_set(:GRACE, 0.2)
    @server.lease('worker.deaf', {}, timeout_ms: 50)
    worker = TaskerCore::Worker.new(url: @server.url, concurrency: 1)
    assert_equal TaskerCore::Worker::EXIT_STUCK, worker.run
    assert_equal 'timeout', report['error']['error_type']
  ensure
    TaskerCore::Worker::Watch.send(:remove_const, :GRACE)
    TaskerCore::Worker::Watch.const_set(:GRACE, grace)
  end

  def test_without_credentials_that_do_it_ends
    @server.say(:claims, @server.refusal(403, 'FORBIDDEN'))
    worker = TaskerCore::Worker.new(url: @server.url)
    assert_equal 1, worker.run
  end

  def test_a_server_that_will_not_have_it
    @server.say(:register, @server.refusal(400, 'BAD_REQUEST'))
    assert_raises(TaskerCore::Worker::Wire::Refused) { TaskerCore::Worker.start(url: @server.url) }
  end

  def test_a_server_that_is_not_there_yet_is_waited_for
    2.times { @server.say(:register, :close) }
    work
    assert_equal 3, @server.said(:register).size
  end
end
