# frozen_string_literal: true

# Prices the cart, or refuses what the shop doesn't sell.
class ValidateCart < TaskerCore::StepHandler::Base
  handler_name 'rails_validate_cart'

  def call(context)
    lines = context.get_input('items').map { |item| priced(item['sku'], item['quantity']) }
    success({ lines:, total_cents: lines.sum { |line| line[:cents] } })
  end

  private

  def priced(sku, quantity)
    product = Product.find_by(sku:)
    refuse("we don't sell #{sku}", 'unknown_sku') if product.nil?
    refuse("#{quantity} of #{sku} can't be sold", 'bad_quantity') unless quantity.is_a?(Integer) && quantity.positive?

    { sku:, quantity:, cents: product.cents * quantity }
  end

  def refuse(message, code)
    raise TaskerCore::Errors::ValidationError.new(message, error_code: code)
  end
end
