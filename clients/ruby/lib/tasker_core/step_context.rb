# frozen_string_literal: true

module TaskerCore
  # What a handler works on: the task's context, what earlier steps returned, and the attempt itself.
  class StepContext
    # +lease+ is the worker protocol's, a Hash; +ending+ says whether the attempt is over by other means; +reader+ asks
    # the server for the result of a step that didn't come along.
    def initialize(lease, ending: nil, reader: nil)
      @lease = lease
      @ending = ending
      @reader = reader
    end

    def task_uuid = @lease['task_uuid']
    def step_uuid = @lease['step_uuid']
    def namespace = @lease['namespace']
    def task_name = @lease.dig('template', 'name')
    def template_version = @lease.dig('template', 'version')
    def step_name = @lease['step']
    def handler_name = @lease['handler']
    def correlation_id = @lease['correlation_id']
    def traceparent = @lease['traceparent']

    # The same for every attempt of this step: for a payment gateway, or whatever knows a repeated call by its key.
    def idempotency_key = @lease['idempotency_key']

    # Rises with each lease of the step: for stores that refuse lower ones.
    def fence = @lease['fence']

    # This attempt, from 1; +retry_count+ are those before it.
    def attempt = @lease['attempt']
    def max_attempts = @lease['max_attempts']
    def retry_count = attempt - 1
    def retry? = attempt > 1
    def last_retry? = attempt >= max_attempts

    # What the task was created with.
    def input_data = @lease['context'] || {}

    def get_input(key)
      input_data[key.to_s]
    end

    # A field of the context; +default+ where there is none, or null.
    def get_input_or(key, default = nil)
      value = get_input(key)
      value.nil? ? default : value
    end

    # The handler's +initialization+ in the template.
    def step_config = @lease['step_config'] || {}

    def get_config(key)
      step_config[key.to_s]
    end

    # By step, each wrapped: { "validate_cart" => { "result" => ... } }.
    def dependency_results = @lease['dependency_results'] || {}

    # What an earlier step returned; nil where there is nothing. A step that didn't come along is asked for.
    def get_dependency_result(step)
      step = step.to_s
      wrapped = dependency_results.fetch(step) { @reader&.call(step) }
      wrapped && wrapped['result']
    end

    # A field in it: get_dependency_field('validate_cart', 'lines', 0, 'sku').
    def get_dependency_field(step, *path)
      path.reduce(get_dependency_result(step)) do |value, key|
        case value
        when Hash then value[key.to_s]
        when Array then value[key]
        end
      end
    end

    # Of an instance of a batch: its piece, as { "cursor" => ..., "batch_metadata" => ... }; else empty.
    def step_inputs = @lease['inputs'] || {}

    # What an earlier attempt said of how far it is, or nil.
    def checkpoint = @lease['checkpoint']
    def checkpoint? = !checkpoint.nil?
    def checkpoint_cursor = checkpoint && checkpoint['cursor']
    def checkpoint_items_processed = (checkpoint && checkpoint['items_processed']) || 0
    def accumulated_results = checkpoint && checkpoint['accumulated_results']

    # Is the task cancelled, the lease lost, or the time up? Nothing of this attempt will be stored then.
    def cancelled?
      @ending ? @ending.over? : false
    end

    # Raises Errors::StepCancelledError where the attempt is cancelled. Liveness doesn't need it.
    def heartbeat
      return unless cancelled?

      raise Errors::StepCancelledError, "step #{step_name} is over: it was cancelled, its lease lost, or its time is up"
    end
  end
end
