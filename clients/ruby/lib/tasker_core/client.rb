# frozen_string_literal: true

require 'forwardable'

module TaskerCore
  # Creates tasks on a server, and tells what became of them. Make one for the whole application, or use the one that
  # the class itself speaks through; threads may share it.
  #
  #   task = TaskerCore::Client.create_task(name: 'checkout', namespace: 'shop', context: { cart: [1, 2] },
  #                                         idempotency_key: 'order-42')
  #   task.task_uuid == task['id'] # => true
  #
  # Every call raises ClientError: InvalidRequestError for an argument at fault, ServerError where the server can't be
  # reached, CredentialsError and NotPermittedError, and what its method names.
  class Client
    # Seconds for which the server may hold back an answer: less than it allows, and proxies on the way to it.
    LONGEST_WAIT = 15.0
    # Seconds between two questions where the server doesn't wait, because it is about to stop.
    SHORTEST_PAUSE = 0.05
    LONGEST_PAUSE = 1.0

    class << self
      extend Forwardable

      def_delegators :default, :create_task, :get_task, :list_tasks, :cancel_task, :list_task_steps, :get_step, :wait,
                     :explain, :health

      # The client of the process, as TaskerCore.configuration says.
      def default
        DEFAULT_LOCK.synchronize { @default ||= new }
      end

      # Has the next call make the client of the process anew.
      def forget_default
        DEFAULT_LOCK.synchronize { @default.tap { @default = nil } }&.close
      end
    end

    DEFAULT_LOCK = Mutex.new
    private_constant :DEFAULT_LOCK

    # Without arguments, as TaskerCore.configuration says: +url+, +api_key+, +token+, +timeout+, +connect_timeout+,
    # +retries+, +initiator+, +source_system+. Raises SettingsError.
    def initialize(**settings)
      @configuration = TaskerCore.configuration.with(**settings)
      @http = Http.new(@configuration)
    end

    # A new task of the template +name+, as a Task. Its UUID is made here, so a create whose answer was lost is
    # answered with the task that it made.
    #
    # Raises DuplicateTaskError where another request made this task, unless +on_duplicate+ is :return: then it is the
    # answer. UnknownTemplateError, PayloadError, SchemaViolationError.
    def create_task(name:, namespace: 'default', context: {}, version: nil, initiator: nil, source_system: nil,
                    reason: 'Task requested', tags: [], priority: 0, idempotency_key: nil, correlation_id: nil,
                    parent_correlation_id: nil, task_uuid: Uuid.new, on_duplicate: :raise)
      wish = { name:, task_uuid:, namespace:, version:, reason:, tags:,
               initiator: initiator || @configuration.initiator,
               source_system: source_system || @configuration.source_system, priority:,
               idempotency_key:, correlation_id:,
               parent_correlation_id: }.compact
      body = wish.merge(context: object(context, 'context'))
      Task.new(@http.ask(:post, '/v1/tasks', query: { on_duplicate: answer_to(on_duplicate) }, body:))
    end

    # The task of this UUID. Raises TaskNotFoundError.
    def get_task(task_uuid)
      Task.new(@http.ask(:get, path(task_uuid)))
    end

    # The newest tasks that match, as a TaskPage. +filters+ are those of the REST API: +namespace+, +name+, +status+,
    # +tag+, +correlation_id+, +created_after+, ...
    def list_tasks(limit: 50, offset: 0, **filters)
      TaskPage.new(@http.ask(:get, '/v1/tasks', query: { limit:, offset:, **filters }))
    end

    # Cancels a task, and answers it. Raises TaskNotFoundError; TaskStateError where it is final.
    def cancel_task(task_uuid, reason: '')
      cancelled = ->(error) { error.is_a?(TaskStateError) && error.state == 'cancelled' }
      @http.ask(:delete, path(task_uuid), query: { reason:, cancelled_by: @configuration.initiator },
                                          is_done: cancelled)
      get_task(task_uuid)
    end

    # The steps of a task, as Steps in the template's order; all, or a page. Raises TaskNotFoundError.
    def list_task_steps(task_uuid, limit: nil, offset: nil)
      query = { limit:, offset: }
      @http.ask(:get, "#{path(task_uuid)}/workflow_steps", query:).map { |step| Step.new(step) }
    end

    # One step. Raises TaskNotFoundError, StepNotFoundError.
    def get_step(task_uuid, step_uuid)
      Step.new(@http.ask(:get, "#{path(task_uuid)}/workflow_steps/#{Uuid.read(step_uuid, :step_uuid)}"))
    end

    # The task, as soon as it is at rest: final, or blocked by failures. Raises TaskNotFoundError; Timeout::Error after
    # +timeout+ seconds.
    def wait(task_uuid, timeout: nil)
      deadline = timeout && (now + timeout)
      pause = 0.0
      loop do
        began = now
        wish = [deadline ? [deadline - began, 0.0].max : LONGEST_WAIT, LONGEST_WAIT].min
        task = Task.new(@http.ask(:get, path(task_uuid), query: { wait_ms: (wish * 1_000).round }, waiting: wish))
        return task if task.at_rest?

        too_late(task, timeout) if deadline && now >= deadline
        pause = now - began < wish / 2 ? (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE) : 0.0
        sleep([pause, deadline ? [deadline - now, 0.0].max : pause].min)
      end
    end

    # Why a task isn't finished. Raises TaskNotFoundError.
    def explain(task_uuid)
      Explanation.new(@http.ask(:get, "#{path(task_uuid)}/explain"))
    end

    # How the server is. Raises nothing: a server that can't be reached isn't healthy.
    def health
      Health.new(@http.ask(:get, '/health/ready', once: true))
    rescue ClientError => e
      Health.new({ 'status' => 'unhealthy', 'reason' => e.message })
    end

    # Lets go of the connections; the next call makes new ones.
    def close
      @http.close
    end

    private

    def path(task_uuid)
      "/v1/tasks/#{Uuid.read(task_uuid, :task_uuid)}"
    end

    def object(value, field)
      return value if value.respond_to?(:to_h) && !value.nil? && !value.is_a?(Array)

      raise InvalidRequestError.new("#{field} must be a Hash of names to values, not #{value.class}", field:)
    end

    def answer_to(on_duplicate)
      { raise: 'refuse', return: 'return' }.fetch(on_duplicate.to_sym) do
        raise InvalidRequestError.new("on_duplicate must be :raise or :return, not #{on_duplicate.inspect}",
                                      field: 'on_duplicate')
      end
    end

    def too_late(task, timeout)
      raise Timeout::Error,
            "task #{task.task_uuid} is #{task.status} after #{timeout} s (#{task.execution_status})"
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
