# frozen_string_literal: true

require_relative 'test_helper'

class ConfigurationTest < Minitest::Test
  def settings(**environment)
    TaskerCore::Configuration.new(environment.transform_keys(&:to_s))
  end

  def teardown
    TaskerCore.reset_configuration
  end

  def test_the_environment_counts
    found = settings(TASKER_URL: 'http://tasker:8080/', TASKER_API_KEY: 'key', TASKER_API_KEY_HEADER: 'X-Key',
                     TASKER_AUTH_TOKEN: 'second', TASKER_ORCHESTRATION_AUTH_TOKEN: 'first', TASKER_CLIENT_RETRIES: '0',
                     TASKER_CLIENT_TIMEOUT: '2.5', TASKER_WORKER_NAMESPACES: 'a, b', TASKER_WORKER_CONCURRENCY: '3')
    assert_equal ['http://tasker:8080', 'key', 'X-Key', 'first', 0, 2.5, %w[a b], 3],
                 [found.url, found.api_key, found.api_key_header, found.token, found.retries, found.timeout,
                  found.namespaces, found.concurrency]
  end

  def test_a_value_that_can_not_be_names_its_variable
    { TASKER_CLIENT_RETRIES: 'many', TASKER_CLIENT_TIMEOUT: '0', TASKER_WORKER_CONCURRENCY: '0' }.each do |name, value|
      error = assert_raises(TaskerCore::SettingsError) { settings(name => value) }
      assert_includes error.message, "#{name} must be a"
    end
    assert_includes assert_raises(TaskerCore::SettingsError) { settings(TASKER_URL: 'tasker:8080') }.message, 'url must'
  end

  def test_a_client_without_a_server_says_what_to_set
    error = assert_raises(TaskerCore::SettingsError) { TaskerCore::Client.create_task(name: 'x') }
    assert_includes error.message, 'TASKER_URL'
  end

  def test_the_client_of_the_process_asks_where_configure_says
    server = ScriptedServer.new { [200, { task_uuid: '019ab1f2-8b1e-7d10-8f00-0242ac120002', status: 'complete' }] }
    TaskerCore.configure do |config|
      config.url = server.url
      config.initiator = 'till'
    end
    TaskerCore::Client.create_task(name: 'x')
    assert_equal 'till', server.requests.last.json['initiator']
  ensure
    server.stop
  end

  def test_a_key_that_is_given_outdoes_a_token_of_the_environment
    given = settings(TASKER_AUTH_TOKEN: 'token').with(api_key: 'key')
    assert_equal [nil, 'key'], [given.token, given.api_key]
  end
end
