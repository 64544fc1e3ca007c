# frozen_string_literal: true

# Tasker for Ruby: create tasks on a Tasker server, and run their steps.
#
#   require 'tasker_core'
#
#   task = TaskerCore::Client.create_task(name: 'checkout', namespace: 'shop', context: { cart: [1, 2] })
#   TaskerCore::Client.wait(task.task_uuid, timeout: 30).status # => "complete"
module TaskerCore
  class << self
    # Settings of the process, from the environment until +configure+ changes them.
    def configuration
      @configuration ||= Configuration.new
    end

    # Changes the settings of the process; clients made before keep theirs.
    #
    #   TaskerCore.configure do |config|
    #     config.url = 'https://tasker.example.com'
    #     config.source_system = 'shop'
    #   end
    def configure
      yield configuration
      Client.forget_default
      configuration
    end

    # Forgets what was configured: the environment counts again.
    def reset_configuration
      @configuration = nil
      Client.forget_default
    end

    def logger
      configuration.logger
    end
  end
end

require_relative 'tasker_core/version'
require_relative 'tasker_core/errors'
require_relative 'tasker_core/errors/handler'
require_relative 'tasker_core/configuration'
require_relative 'tasker_core/payload'
require_relative 'tasker_core/uuid'
require_relative 'tasker_core/answers'
require_relative 'tasker_core/http'
require_relative 'tasker_core/client'
require_relative 'tasker_core/step_context'
require_relative 'tasker_core/handler_registry'
require_relative 'tasker_core/step_handler'
require_relative 'tasker_core/worker'
require_relative 'tasker_core/railtie' if defined?(Rails::Railtie)
