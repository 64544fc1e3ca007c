# frozen_string_literal: true

module TaskerCore
  # What a Rails application gets by having the gem: Rails' logger, steps that run in Rails' executor (so that database
  # connections go back to their pool, and code may be reloaded), and handlers in app/handlers.
  class Railtie < Rails::Railtie
    initializer 'tasker_core.configure' do |app|
      TaskerCore.configure do |config|
        config.logger = Rails.logger
        config.around_step = ->(step) { app.executor.wrap(&step) }
      end
    end

    # Handlers register themselves as they are loaded: a worker needs all of them.
    def self.load_handlers
      TaskerCore::HandlerRegistry.instance.tap do
        Dir[Rails.root.join('app/handlers/**/*.rb')].each { |file| require_dependency(file) }
      end
    end

    rake_tasks do
      namespace :tasker do
        desc 'Run the handlers in app/handlers until SIGTERM'
        task worker: :environment do
          TaskerCore::Railtie.load_handlers
          exit(TaskerCore::Worker.new.run)
        end
      end
    end
  end
end
