# frozen_string_literal: true

require_relative 'worker_test'

# Draining, and graceful ends.
class WorkerEndTest < WorkerCase
  def test_a_stop_lets_what_runs_finish_and_says_goodbye
    work
    @server.lease('worker.wait', { seconds: 0.3 })
    wait_until('it runs') { @worker.held['l1']&.running? }
    @worker.stop(timeout: 5)

    assert_equal ['complete', { 'cancelled' => false }], report.values_at('op', 'result')
    assert_equal 'draining', @server.said(:heartbeat).last['state']
    assert_equal ['DELETE', '/v1/workers/w1'], [@server.requests.last.verb, @server.requests.last.path]
  end

  def test_a_stop_gives_back_what_has_not_begun
    work(concurrency: 1)
    @server.say(:claims) { [200, { leases: @server.take(2), more: false }] }
    @server.lease('worker.wait', { seconds: 0.2 })
    @server.lease('worker.echo')
    wait_until('it runs') { @worker.held['l1']&.running? && @worker.held['l2'] }
    @worker.stop(timeout: 5)
    assert_equal({ 'l1' => 'complete', 'l2' => 'release' },
                 Array.new(2) { report }.to_h { |told| told.values_at('lease_id', 'op') })
  end

  def test_a_stop_waits_no_longer_than_it_may
    work
    @server.lease('worker.wait', { seconds: 5 })
    wait_until('it runs') { @worker.held['l1']&.running? }
    began = TaskerCore::Worker.now
    @worker.stop(timeout: 0.2)
    assert_operator TaskerCore::Worker.now - began, :<, 2
    assert_equal 'cancelled', GATE.pop
    assert_equal 'DELETE', @server.requests.last.verb
    assert_empty @server.reports
  end

  def test_a_stop_ends_the_long_poll
    work
    wait_until('it polls') { @server.said(:claims).any? }
    began = TaskerCore::Worker.now
    @worker.stop(timeout: 5)
    assert_operator TaskerCore::Worker.now - began, :<, 1
    refute_predicate @worker, :running?
  end

  def test_outcomes_are_told_again_until_they_are_answered_while_it_ends
    work
    @server.lease('worker.wait', { seconds: 0.2 })
    wait_until('it runs') { @worker.held['l1']&.running? }
    3.times { @server.say(:reports, :close) }
    @worker.stop(timeout: 5)
    assert_equal 'complete', report['op']
  end

  def test_an_operator_has_it_take_no_more_and_stay
    work(concurrency: 1)
    @server.lease('worker.wait', { seconds: 0.2 })
    wait_until('it runs') { @worker.held['l1']&.running? }
    claims = @server.said(:claims).size
    @server.directive = 'drain'
    assert_equal 'complete', report['op']
    refute @server.said(:reports).last.key?('claim')
    beats = @server.said(:heartbeat).size
    @server.lease('worker.echo')
    wait_until('it beats on') { @server.said(:heartbeat).size > beats + 2 }
    assert_equal ['draining', claims, 1],
                 [@server.said(:heartbeat).last['state'], @server.said(:claims).size, @server.left]
  end

  def test_what_comes_with_that_word_is_given_back
    @server.say(:claims) { [200, { leases: @server.take(1), more: false, directive: 'drain' }] }
    @server.lease('worker.echo')
    work
    assert_equal %w[release l1], report.values_at('op', 'lease_id')
    wait_until('it is held no more') { @worker.held.all.empty? }
  end

  def test_the_server_may_have_it_end
    worker = TaskerCore::Worker.new(url: @server.url)
    running = Thread.new { worker.run }
    @server.directive = 'stop'
    assert_equal 0, running.value
    assert_equal 'DELETE', @server.requests.last.verb
  end
end
