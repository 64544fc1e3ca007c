# frozen_string_literal: true

# Writes the payment into the order: the same again, where it is said again.
ConfirmOrder = TaskerCore.step_handler(
  'rails_confirm_order', depends_on: { payment: 'process_payment' }, inputs: [:order_id]
) do |payment:, order_id:|
  Order.find(order_id).update!(charge: payment['charge'], total_cents: payment['cents'])
  { order: order_id }
rescue ActiveRecord::RecordNotFound => e
  raise TaskerCore::Errors::NotFoundError, e.message
end
