# frozen_string_literal: true

# The handlers that protocol/README.md asks of every package.
module Conformance
  extend TaskerCore::StepHandler::Functional

  # The file that tells of what was done outside.
  module Effects
    def self.write(line)
      File.open(ENV.fetch('TASKER_CONFORMANCE_EFFECTS'), 'a') { |file| file.write("#{line}\n") }
    end
  end

  step_handler('conformance.echo') do |context|
    { context: context.input_data, config: context.step_config,
      dependencies: context.dependency_results.transform_values { |wrapped| wrapped && wrapped['result'] },
      attempt: context.attempt, key: context.idempotency_key }
  end

  step_handler('conformance.numbers', inputs: [:n]) { |n| { n:, next: n + 1 } }

  step_handler('conformance.big', inputs: [:bytes]) { |bytes| { blob: 'x' * bytes } }

  step_handler('conformance.retryable', inputs: [:retry_after_ms]) do |retry_after_ms|
    retry_after = retry_after_ms && (retry_after_ms / 1_000.0)
    raise TaskerCore::Errors::RetryableError.new('try again', retry_after:)
  end

  step_handler('conformance.permanent') do
    raise TaskerCore::Errors::PermanentError.new('never', error_code: 'E_NEVER')
  end

  step_handler('conformance.crash') { raise 'boom' }

  step_handler('conformance.sleep', inputs: [:ms]) do |ms, context|
    ends = TaskerCore::Worker.now + (ms / 1_000.0)
    while TaskerCore::Worker.now < ends
      if context.cancelled?
        Effects.write("cancelled #{context.idempotency_key}")
        return { slept: -1 }
      end
      sleep(0.01)
    end
    { slept: ms }
  end

  step_handler('conformance.effect', inputs: [:ms]) do |ms, context|
    Effects.write("#{context.idempotency_key} #{context.attempt}")
    sleep((ms || 0) / 1_000.0)
    { done: true }
  end

  step_handler('conformance.count', inputs: %i[total page]) do |total, page, context|
    pages = (context.accumulated_results || {}).fetch('pages', 0) + 1
    counted = [(context.checkpoint_cursor || 0) + page, total].min
    return { counted:, pages: } if counted == total

    checkpoint_yield(cursor: counted, items_processed: counted, accumulated_results: { pages: })
  end
end
