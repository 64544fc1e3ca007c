# frozen_string_literal: true

# Charges the card. The key is the same for every attempt, so the gateway charges once.
class ProcessPayment < TaskerCore::StepHandler::Base
  handler_name 'rails_process_payment'

  def call(context)
    cents = context.get_dependency_field('validate_cart', 'total_cents')
    charge = PaymentGateway.new.charge(cents, context.get_input('card'), context.idempotency_key)
    success({ charge:, cents: })
  end
end
