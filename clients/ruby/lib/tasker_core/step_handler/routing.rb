# frozen_string_literal: true

module TaskerCore
  module StepHandler
    # What handlers of decisions and of batches answer with, which the server reads to make further steps.
    module Routing
      # Of a +decision+: go on with these steps of the template. +why+ is stored with the result, for people.
      #
      #   decision_success(%w[ask_manager], total: 5000)
      def decision_success(*steps, **why)
        decided({ type: 'create_steps', step_names: steps.flatten.map(&:to_s) }, why)
      end

      # Of a +decision+: none of its branches.
      def skip_branches(reason, **why)
        decided({ type: 'no_branches' }, why, reason:)
      end

      # Of a +batchable+ step: pieces of +batch_size+ of +total_items+, each worked on by a step like +worker_template+.
      # Its handler finds its piece in context.step_inputs['cursor'].
      def batch_analyzer_success(worker_template, total_items:, batch_size:, batch_metadata: {})
        return no_batches_outcome('empty_dataset') if total_items.zero?

        pieces = pieces_of(total_items, batch_size)
        outcome = { type: 'create_batches', worker_template_name: worker_template.to_s, worker_count: pieces.size,
                    cursor_configs: pieces, total_items: }
        Result.success({ batch_processing_outcome: outcome, worker_count: pieces.size, total_items:, batch_metadata: },
                       metadata: { batch_analyzer: true })
      end

      # Of a +batchable+ step: there is nothing to work on.
      def no_batches_outcome(reason)
        Result.success({ batch_processing_outcome: { type: 'no_batches' }, reason: },
                       metadata: { batch_analyzer: true, no_batches: true })
      end

      private

      def decided(outcome, why, **more)
        told = why.empty? ? more : { **more, routing_context: why }
        Result.success({ decision_point_outcome: outcome, **told })
      end

      def pieces_of(total_items, batch_size)
        raise Errors::ConfigurationError, "batch_size must be positive, not #{batch_size}" unless batch_size.positive?

        (0...total_items).step(batch_size).with_index(1).map do |start, number|
          last = [start + batch_size, total_items].min
          { batch_id: format('%03d', number), start_cursor: start, end_cursor: last, batch_size: last - start }
        end
      end
    end
  end
end
