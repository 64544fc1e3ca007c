# frozen_string_literal: true

module TaskerCore
  module StepHandler
    # What a block is called with. All that can be known is worked out where the handler is declared: each parameter is
    # given by its name, whether it stands as +card+ or as +card:+.
    class Injection
      CONTEXT = %i[context _context].freeze
      # Kinds of parameters that take whatever comes, and so nothing here.
      OPEN = %i[rest keyrest block nokey].freeze

      # Names of the steps that are asked for.
      attr_reader :steps

      # Raises HandlerDeclarationError for a parameter that nothing gives a value to, and for a value that no parameter
      # takes.
      def initialize(handler, parameters, depends_on:, inputs:)
        @handler = handler
        @steps = []
        @sources = {}
        depends_on.each { |name, wanted| add(name, dependency(*wanted)) }
        add_inputs(inputs)
        @parameters = parameters.reject { |parameter| OPEN.include?(parameter.first) }
        check
      end

      # The arguments, and the keywords, for +context+.
      def arguments(context)
        given = []
        keywords = {}
        @parameters.each do |kind, name|
          source = @sources[name] || (CONTEXT.include?(name) && :itself.to_proc)
          next unless source

          value = source.call(context)
          %i[key keyreq].include?(kind) ? keywords[name] = value : given << value
        end
        [given, keywords]
      end

      private

      def add(name, source)
        refuse("#{name} is given twice") if @sources.key?(name.to_sym) || CONTEXT.include?(name.to_sym)
        @sources[name.to_sym] = source
      end

      def dependency(step, model = nil)
        step = step.to_s
        @steps << step
        return ->(context) { context.get_dependency_result(step) } if model.nil?

        lambda do |context|
          value = context.get_dependency_result(step)
          value.is_a?(Hash) ? fitted(model, value, "the result of step #{step}") : value
        end
      end

      def add_inputs(inputs)
        if inputs.is_a?(Class)
          add(:inputs, ->(context) { fitted(inputs, context.input_data, "the task's context") })
        else
          Array(inputs).each { |key| add(key, ->(context) { context.get_input(key.to_s) }) }
        end
      end

      # Structs take the members that they have, other models all that there is.
      def fitted(model, data, what)
        values = data.transform_keys(&:to_sym)
        return model.new(**values) unless model < Struct

        model.keyword_init? ? model.new(**values.slice(*model.members)) : model.new(*values.values_at(*model.members))
      rescue Errors::Error
        raise
      rescue StandardError => e
        raise UnfitError.new("#{what} does not fit #{model}: #{e.message}", context: { model: model.to_s })
      end

      def check
        names = @parameters.map(&:last)
        required = @parameters.select { |kind, _| %i[req keyreq].include?(kind) }.map(&:last)
        if (missing = required - @sources.keys - CONTEXT).any?
          refuse("nothing gives the block its parameter #{missing.join(', ')}; name it in depends_on: or inputs:, " \
                 'or give it a default')
        end
        return if (unused = @sources.keys - names).empty?

        refuse("its block takes no #{unused.join(', ')}, which depends_on: or inputs: name")
      end

      def refuse(message)
        raise HandlerDeclarationError, "handler #{@handler}: #{message}"
      end
    end
  end
end
