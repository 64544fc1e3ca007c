# frozen_string_literal: true

namespace :orders do
  desc 'Create the tasks of orders that were placed while the server was away'
  task hand_over: :environment do
    Order.waiting.find_each(&:hand_over)
  end
end
