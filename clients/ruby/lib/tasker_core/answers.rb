# frozen_string_literal: true

module TaskerCore
  # What a server answered, read only: each field is a method and a key. Keys that this version doesn't know of are
  # there as keys.
  #
  #   task.task_uuid == task['task_uuid']    # => true, and so is task[:task_uuid]
  #   render json: task                      # the server's own JSON
  class Answer
    def self.fields(*names)
      names.each { |name| define_method(name) { self[name] } }
    end
    private_class_method :fields

    def initialize(data)
      @data = data.freeze
    end

    def [](key)
      @data[key.to_s]
    end

    def key?(key)
      @data.key?(key.to_s)
    end

    def dig(key, *more)
      value = self[key]
      more.empty? || value.nil? ? value : value.dig(*more)
    end

    # Plain data, with texts as keys.
    def to_h
      @data
    end

    # What Rails renders.
    def as_json(*)
      to_h
    end

    def to_json(*arguments)
      to_h.to_json(*arguments)
    end

    def ==(other)
      other.instance_of?(self.class) && other.to_h == to_h
    end
    alias eql? ==

    def hash
      to_h.hash
    end

    def inspect
      "#<#{self.class} #{@data.inspect}>"
    end
  end

  # A task: its request, its state and the counts of its steps. +task['id']+ is its UUID, too.
  class Task < Answer
    FINAL = %w[complete error cancelled resolved_manually].freeze
    AT_REST = [*FINAL, 'blocked_by_failures'].freeze

    fields :task_uuid, :name, :namespace, :version, :status, :created_at, :updated_at, :completed_at, :context,
           :initiator, :source_system, :reason, :priority, :tags, :correlation_id, :parent_correlation_id,
           :total_steps, :pending_steps, :in_progress_steps, :completed_steps, :failed_steps, :ready_steps,
           :execution_status, :recommended_action, :completion_percentage, :health_status, :compensated, :steps,
           :warnings, :paused

    def [](key)
      super(key.to_s == 'id' ? 'task_uuid' : key)
    end

    alias id task_uuid

    # Did it do all that it was to do?
    def complete?
      status == 'complete'
    end

    # Will nothing move it but an operator?
    def at_rest?
      AT_REST.include?(status)
    end
  end

  # A step. +results+ is the whole of its last attempt; +result+ what its handler returned.
  class Step < Answer
    fields :step_uuid, :task_uuid, :name, :template_step, :compensates, :batch_index, :created_at, :updated_at,
           :completed_at, :results, :current_state, :dependencies_satisfied, :retry_eligible, :ready_for_execution,
           :total_parents, :completed_parents, :attempts, :max_attempts, :last_failure_at, :next_retry_at,
           :last_attempted_at

    def [](key)
      super(key.to_s == 'id' ? 'step_uuid' : key)
    end

    alias id step_uuid

    def result
      results && results['result']
    end

    def complete?
      current_state == 'complete'
    end
  end

  # A page of tasks, the newest first.
  class TaskPage < Answer
    include Enumerable

    fields :pagination

    def tasks
      @tasks ||= (self['tasks'] || []).map { |task| Task.new(task) }
    end

    def each(&)
      tasks.each(&)
    end
  end

  # Why a task isn't finished, step by step.
  class Explanation < Answer
    fields :task_uuid, :state, :text, :since, :steps, :failures, :advice, :left_out
  end

  # How a server is.
  class Health < Answer
    fields :status, :timestamp, :checks

    def healthy?
      status == 'healthy'
    end
  end
end
