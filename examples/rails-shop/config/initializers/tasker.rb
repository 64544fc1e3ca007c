# frozen_string_literal: true

# The rest comes from the environment: TASKER_URL, TASKER_API_KEY, ...
TaskerCore.configure do |config|
  config.initiator = 'rails-shop'
  config.source_system = 'shop'
end
