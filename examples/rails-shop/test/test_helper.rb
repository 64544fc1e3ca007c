# frozen_string_literal: true

ENV['RAILS_ENV'] = 'test'
abort('TASKER_URL must name a running server, as README.md says') unless ENV['TASKER_URL']

require_relative '../config/environment'
require 'rails/test_help'

ActiveRecord::Schema.verbose = false
load Rails.root.join('db/schema.rb')
TaskerCore::Railtie.load_handlers

# Tests against a server that runs, with a worker in this process.
class ShopTest < ActionDispatch::IntegrationTest
  # The worker's threads see what the test has written.
  self.use_transactional_tests = false

  setup do
    [Order, Product, Reservation].each(&:delete_all)
    load Rails.root.join('db/seeds.rb')
    @run = SecureRandom.hex(4)
  end

  teardown { @worker&.stop }

  def work
    @worker = TaskerCore::Worker.start(namespaces: ['rails_shop'], concurrency: 3)
  end

  # Places an order; what is answered.
  def place(cart: 'cart', status: :created, **wishes)
    post '/orders', as: :json, params: { cart: "#{cart}-#{@run}", email: 'ann@example.com', card: 'tok_visa',
                                         items: [{ sku: 'tea', quantity: 2 }], **wishes }
    assert_response status
    response.parsed_body
  end

  # What the order's page says once its task is at rest.
  def finished(placed)
    TaskerCore::Client.wait(placed['task_uuid'], timeout: 20)
    get "/orders/#{placed['order_id']}"
    response.parsed_body
  end

  # What the gateway charged for the order's task.
  def charges(placed)
    said = Net::HTTP.get(URI("#{Rails.configuration.x.gateway_url}/charges"))
    JSON.parse(said)['charges'].select { |charge| charge['idempotency_key'].start_with?(placed['task_uuid']) }
  end
end
