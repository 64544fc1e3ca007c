# frozen_string_literal: true

# What a customer wants. Its task does the rest.
class Order < ApplicationRecord
  validates :cart, :email, :items, :card, presence: true

  # Orders whose task couldn't be created when they were placed.
  scope :waiting, -> { where(task_uuid: nil) }

  # Creates the order's task. Saying it twice is harmless: the key makes it the same task.
  def hand_over
    task = TaskerCore::Client.create_task(
      name: 'checkout', namespace: 'rails_shop', reason: "order #{id}", idempotency_key: "cart-#{cart}",
      context: { order_id: id, email:, items:, card: }, on_duplicate: :return
    )
    update!(task_uuid: task.task_uuid)
  end

  # How far it is: the state of its task, which is nil as long as the server wasn't told of it.
  def progress
    return { status: nil, done: [] } if task_uuid.nil?

    task = TaskerCore::Client.get_task(task_uuid)
    done = task.steps.select { |step| step['current_state'] == 'complete' }
    { status: task.status, done: done.map { |step| step['name'] } }
  end
end
