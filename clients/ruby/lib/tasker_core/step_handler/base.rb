# frozen_string_literal: true

module TaskerCore
  module StepHandler
    # A handler as a class: each attempt gets an instance of its own.
    #
    #   class ChargeCard < TaskerCore::StepHandler::Base
    #     handler_name 'charge_card'
    #
    #     def call(context)
    #       total = context.get_dependency_field('validate_cart', 'total')
    #       return failure('nothing to pay', retryable: false) if total.zero?
    #
    #       success(charge(total, key: context.idempotency_key))
    #     end
    #   end
    #
    # Templates name it by its +handler_name+; without one by the name of its class, as Shop::ChargeCard.
    class Base
      include Routing

      class << self
        def inherited(handler)
          super
          HandlerRegistry.instance.note(handler)
        end

        # What templates call it; with +name+ sets it.
        def handler_name(name = nil)
          @handler_name = name.to_s if name
          @handler_name || self.name
        end

        # Steps whose results are to come along, besides those that the step depends on in its template.
        def depends_on(*steps)
          @depends_on = declared_dependencies | steps.flatten.map(&:to_s)
        end

        def declared_dependencies
          @depends_on || []
        end

        # Can it be called, or is it there to be derived from?
        def callable?
          instance_method(:call).owner != Base
        end
      end

      # Runs one attempt. Returns a Result, a Hash, or anything else that has a JSON form. What it raises fails the
      # step: Errors::PermanentError for good, anything else until its attempts are used up.
      def call(_context)
        raise NotImplementedError, "#{self.class} has no method call(context)"
      end

      # success({ total: 40 }) or success(result: { total: 40 }, metadata: { ... })
      def success(value = nil, **said)
        Result.success(value, **said)
      end

      # failure('card declined', retryable: false, error_code: 'card_declined')
      def failure(text = nil, **said)
        Result.failure(text, **said)
      end

      # Keeps how far a long step is: it is called again, with context.checkpoint, and no attempt is spent.
      def checkpoint_yield(cursor:, items_processed:, accumulated_results: nil)
        Result.checkpoint(cursor:, items_processed:, accumulated_results:)
      end

      # The result of one attempt; +method+ is another one to call, where the template names it.
      def run(context, method = nil)
        Endings.result_of(public_send(chosen(method), context))
      rescue StandardError, NotImplementedError => e
        Endings.failure_of(e, by_class: true)
      end

      private

      def chosen(method)
        return :call if method.nil? || !self.class.public_method_defined?(method)

        Base.ancestors.include?(self.class.instance_method(method).owner) ? :call : method
      end
    end
  end
end
