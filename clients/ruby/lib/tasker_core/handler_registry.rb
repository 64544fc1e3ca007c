# frozen_string_literal: true

module TaskerCore
  # The handlers of the process, by the names that templates give them.
  class HandlerRegistry
    INSTANCE_LOCK = Mutex.new
    private_constant :INSTANCE_LOCK

    # The registry that classes derived from StepHandler::Base are in by themselves.
    def self.instance
      INSTANCE_LOCK.synchronize { @instance ||= new }
    end

    def initialize
      @lock = Mutex.new
      @noted = []
      @named = {}
    end

    # Remembers a class whose name isn't known yet.
    def note(handler)
      @lock.synchronize { @noted << handler }
    end

    # Puts +handler+ under a name of your own.
    def register(name, handler)
      unless handler.is_a?(Class) && handler <= StepHandler::Base
        raise HandlerDeclarationError, "#{name} must be a class derived from TaskerCore::StepHandler::Base, " \
                                       "not #{handler.inspect}"
      end
      @lock.synchronize { @named[name.to_s] = handler }
    end

    # The handler of this name, or nil.
    def [](name)
      handlers[name]
    end

    def names
      handlers.keys.sort
    end

    # All handlers by name. Of two classes of one name the later counts: a reloading application leaves the earlier one.
    def handlers
      @lock.synchronize do
        found = @noted.select(&:callable?).to_h { |handler| [handler.handler_name, handler] }
        found.delete(nil)
        found.merge(@named)
      end
    end

    # Loads Ruby files: those given, and all in the directories given.
    def load_files(paths)
      paths.each do |path|
        raise HandlerDeclarationError, "#{path}: there is no such file or directory" unless File.exist?(path)

        files = File.directory?(path) ? Dir[File.join(path, '**', '*.rb')] : [path]
        files.each { |file| require File.expand_path(file) }
      end
    end
  end
end
