# frozen_string_literal: true

module TaskerCore
  module StepHandler
    # Handlers as blocks. What a block names is handed to it; what it returns is the step's result.
    #
    #   module Shop
    #     extend TaskerCore::StepHandler::Functional
    #
    #     Cart = Struct.new(:total, keyword_init: true)
    #
    #     ChargeCard = step_handler('charge_card', depends_on: { cart: ['validate_cart', Cart] },
    #                                              inputs: [:card]) do |cart:, card:, context:|
    #       { charge: Gateway.charge(card, cart.total, key: context.idempotency_key) }
    #     end
    #   end
    module Functional
      # Makes a handler, a class derived from Base, and registers it under +name+.
      #
      # +depends_on+ maps parameters to names of steps, or to [name, model]; +inputs+ are keys of the task's context, or
      # a model that is then given as +inputs+. A model is a class whose +new+ takes keywords; data that it refuses
      # fails the step for good. Inside the block +success+, +failure+ and +checkpoint_yield+ are at hand, and +return+.
      def step_handler(name, depends_on: {}, inputs: [], &block)
        raise HandlerDeclarationError, "handler #{name}: it has no block" if block.nil?

        FunctionalHandler.made(name, depends_on, inputs, block)
      end
      module_function :step_handler
      public :step_handler
    end

    # A handler that was made from a block.
    class FunctionalHandler < Base
      class << self
        attr_reader :injection

        def made(name, depends_on, inputs, block)
          Class.new(self) do
            handler_name name
            # A method rather than a block to call: so `return` ends the handler.
            define_method(:body, &block)
            @injection = Injection.new(name, instance_method(:body).parameters, depends_on:, inputs:)
            depends_on(@injection.steps)
          end
        end

        def callable?
          !injection.nil?
        end
      end

      def run(context, _method = nil)
        Endings.result_of(call(context))
      rescue StandardError, NotImplementedError => e
        Endings.failure_of(e)
      end

      def call(context)
        given, keywords = self.class.injection.arguments(context)
        body(*given, **keywords)
      end
    end
  end
end
