# frozen_string_literal: true

require_relative 'boot'
require 'rails'
require 'active_record/railtie'
require 'action_controller/railtie'
require 'tasker_core'

module RailsShop
  # A shop that hands everything with more than one step to Tasker.
  class Application < Rails::Application
    config.load_defaults 6.1
    config.api_only = true
    config.eager_load = Rails.env.production?
    config.secret_key_base = ENV.fetch('SECRET_KEY_BASE', 'only for this example')
    config.hosts.clear
    config.logger = ActiveSupport::Logger.new($stderr)
    config.log_level = Rails.env.test? ? :error : :info
    config.active_support.deprecation = :stderr

    # Where the payment gateway is, and where mails are put.
    config.x.gateway_url = ENV.fetch('SHOP_GATEWAY_URL', 'http://127.0.0.1:8630')
    config.x.mails = Pathname(ENV.fetch('SHOP_MAILS', root.join('tmp/mails')))
  end
end
