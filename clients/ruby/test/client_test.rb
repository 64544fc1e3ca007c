# frozen_string_literal: true

require_relative 'test_helper'

class ClientTest < Minitest::Test
  UUID = '019ab1f2-8b1e-7d10-8f00-0242ac120002'
  TASK = { 'task_uuid' => UUID, 'name' => 'checkout', 'status' => 'complete', 'not_known_yet' => 1 }.freeze

  def setup
    @answers = []
    @server = ScriptedServer.new { @answers.size > 1 ? @answers.shift : @answers.first }
    @client = TaskerCore::Client.new(url: @server.url, timeout: 5)
  end

  def teardown
    @client.close
    @server.stop
  end

  def answer(*answers)
    @answers.replace(answers)
  end

  def refusal(status, code, **more)
    [status, { error: { code:, message: 'said the server', **more } }]
  end

  def test_an_answer_has_its_fields_as_methods_and_keys
    answer([201, TASK])
    task = @client.create_task(name: 'checkout', namespace: 'shop', context: { cart: [1, 2] })

    assert_equal [UUID] * 5, [task.task_uuid, task.id, task['id'], task['task_uuid'], task[:task_uuid]]
    assert_equal [1, true], [task['not_known_yet'], task.complete?]
    assert_equal TASK, JSON.parse(JSON.generate(task))
  end

  def test_create_task_says_every_field
    answer([201, TASK])
    said = { name: 'checkout', namespace: 'shop', context: { 'n' => 2**70 }, version: '2.0.0', initiator: 'web',
             source_system: 'shop', reason: 'an order', tags: ['a'], priority: 5, idempotency_key: 'k',
             correlation_id: UUID, parent_correlation_id: UUID, task_uuid: UUID }
    @client.create_task(**said, on_duplicate: :return)

    request = @server.requests.last
    assert_equal ['POST', '/v1/tasks', { 'on_duplicate' => 'return' }], [request.verb, request.path, request.query]
    assert_equal said.transform_keys(&:to_s), request.json
  end

  def test_a_task_has_a_uuid_of_the_clients_making_that_each_repetition_brings_again
    answer(:close, [503, '', { 'Retry-After' => '0' }], [201, TASK])
    @client.create_task(name: 'checkout')

    uuids = @server.requests.map { |request| request.json['task_uuid'] }
    assert_equal [3, 1], [uuids.size, uuids.uniq.size]
    assert_match(/\A\h{8}-\h{4}-7\h{3}-[89ab]\h{3}-\h{12}\z/, uuids.first)
  end

  def test_what_is_no_passing_trouble_is_asked_once
    answer(refusal(404, 'NOT_FOUND', details: { resource: 'template' }))
    assert_raises(TaskerCore::UnknownTemplateError) { @client.create_task(name: 'checkout') }
    assert_equal 1, @server.requests.size
  end

  def test_it_gives_up_after_its_retries
    client = TaskerCore::Client.new(url: @server.url, retries: 1)
    answer(refusal(503, 'SERVICE_UNAVAILABLE'))
    error = assert_raises(TaskerCore::ServerError) { client.get_task(UUID) }

    assert_equal [2, 503, 'SERVICE_UNAVAILABLE', true],
                 [@server.requests.size, error.status, error.code, error.retryable?]
  end

  def test_it_gives_up_in_time_whatever_the_server_asks_for
    client = TaskerCore::Client.new(url: @server.url, timeout: 1)
    answer([429, { error: { code: 'TOO_MANY_REQUESTS', message: 'slowly' } }, { 'Retry-After' => '60' }])
    assert_raises(TaskerCore::ServerError) { client.get_task(UUID) }
    assert_equal 1, @server.requests.size
  end

  def test_a_server_that_is_not_there
    @server.stop
    client = TaskerCore::Client.new(url: @server.url, retries: 0)
    error = assert_raises(TaskerCore::ServerError) { client.get_task(UUID) }

    assert_includes error.message, "#{@server.url} can't be reached"
    assert_equal [true, nil], [error.retryable?, error.status]
    refute_predicate client.health, :healthy?
  end

  def test_errors_tell_code_status_and_field
    { refusal(400, 'BAD_REQUEST', field: 'priority') => [TaskerCore::InvalidRequestError, 'priority'],
      refusal(404, 'NOT_FOUND', details: { resource: 'task' }) => [TaskerCore::TaskNotFoundError, nil],
      refusal(413, 'PAYLOAD_TOO_LARGE', field: 'context') => [TaskerCore::PayloadTooLargeError, 'context'],
      refusal(422, 'SCHEMA_VIOLATION', field: 'context/x') => [TaskerCore::SchemaViolationError, 'context/x'],
      refusal(401, 'UNAUTHORIZED') => [TaskerCore::CredentialsError, nil],
      refusal(403, 'FORBIDDEN') => [TaskerCore::NotPermittedError, nil],
      refusal(500, 'INTERNAL_ERROR') => [TaskerCore::ServerError, nil] }.each do |said, (kind, field)|
      answer(said)
      error = assert_raises(kind) { @client.create_task(name: 'checkout') }
      assert_equal [said[0], said[1][:error][:code], field], [error.status, error.code, error.field]
      assert_kind_of TaskerCore::ClientError, error
    end
  end

  def test_a_duplicate_names_the_task_that_is_there
    answer(refusal(409, 'CONFLICT', details: { task_uuid: UUID, same_context: false }))
    error = assert_raises(TaskerCore::DuplicateTaskError) { @client.create_task(name: 'checkout') }
    assert_equal [UUID, false], [error.task_uuid, error.same_context?]
  end

  def test_an_answer_of_another_service_is_named_as_such
    answer([200, '<html>', { 'Content-Type' => 'text/html' }])
    error = assert_raises(TaskerCore::ServerError) { @client.get_task(UUID) }
    assert_includes error.message, 'answers 200 with text/html, as no server of Tasker does'
  end

  def test_what_can_not_be_asked_is_refused_before_it_is_asked
    { 'context' => -> { @client.create_task(name: 'x', context: [1]) },
      'task_uuid' => -> { @client.get_task('4711') },
      'on_duplicate' => -> { @client.create_task(name: 'x', on_duplicate: 'maybe') } }.each do |field, call|
      assert_equal field, assert_raises(TaskerCore::InvalidRequestError, &call).field
    end
    assert_empty @server.requests
  end

  def test_one_connection_for_each_thread_kept_alive
    answer([200, TASK])
    Array.new(3) { Thread.new { 4.times { @client.get_task(UUID) } } }.each(&:join)
    assert_equal [4, 4, 4], @server.requests.group_by(&:connection).values.map(&:size)
  end

  def test_a_child_process_has_connections_of_its_own
    answer([200, TASK])
    @client.get_task(UUID)
    reader, writer = IO.pipe
    child = fork do
      @client.get_task(UUID)
      writer.write('done')
      exit!(0)
    end
    Process.wait(child)
    writer.close
    @client.get_task(UUID)

    assert_equal ['done', [1, 2, 1]], [reader.read, @server.requests.map(&:connection)]
  end

  def test_a_kept_connection_that_the_server_has_closed_costs_nothing
    client = TaskerCore::Client.new(url: @server.url, retries: 0)
    answer([200, TASK])
    client.get_task(UUID)
    @server.hang_up
    assert_equal UUID, client.get_task(UUID).task_uuid
  end

  def test_credentials_go_with_each_request
    answer([200, TASK])
    TaskerCore::Client.new(url: @server.url, api_key: 'key').get_task(UUID)
    TaskerCore::Client.new(url: @server.url, token: 'token').get_task(UUID)
    key, token = @server.requests.map(&:headers)
    assert_equal ['key', nil, nil, 'Bearer token'],
                 [key['x-api-key'], key['authorization'], token['x-api-key'], token['authorization']]
  end

  def test_wait_asks_until_the_task_is_at_rest
    busy = TASK.merge('status' => 'steps_in_process')
    answer([200, busy], [200, busy], [200, TASK.merge('status' => 'blocked_by_failures')])
    assert_equal 'blocked_by_failures', @client.wait(UUID, timeout: 3).status
    assert_equal 3, @server.requests.size
    assert_operator @server.requests.first.query['wait_ms'].to_i, :>, 2_000
  end

  def test_wait_ends_in_time
    answer([200, TASK.merge('status' => 'steps_in_process', 'execution_status' => 'processing')])
    error = assert_raises(Timeout::Error) { @client.wait(UUID, timeout: 0.2) }
    assert_includes error.message, 'steps_in_process after 0.2 s (processing)'
  end

  def test_a_cancel_whose_answer_was_lost_is_done
    answer(:close, refusal(400, 'INVALID_STATE', details: { state: 'cancelled' }),
           [200, TASK.merge('status' => 'cancelled')])
    assert_equal 'cancelled', @client.cancel_task(UUID, reason: 'changed my mind').status

    answer(refusal(400, 'INVALID_STATE', details: { state: 'complete' }))
    assert_equal 'complete', assert_raises(TaskerCore::TaskStateError) { @client.cancel_task(UUID) }.state
  end

  def test_lists_are_lists_of_answers
    answer([200, { tasks: [TASK], pagination: { total_count: 1 } }])
    page = @client.list_tasks(namespace: 'shop', status: 'complete')
    assert_equal [[UUID], 1], [page.map(&:task_uuid), page.pagination['total_count']]

    answer([200, [{ step_uuid: UUID, results: { result: { total: 40 } } }]])
    assert_equal [[UUID, { 'total' => 40 }]], (@client.list_task_steps(UUID).map { |step| [step.id, step.result] })
  end
end
