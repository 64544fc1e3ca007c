# frozen_string_literal: true

# Takes the goods off the shelf.
ReserveStock = TaskerCore.step_handler(
  'rails_reserve_stock', depends_on: { cart: 'validate_cart' }
) do |cart:, context:|
  { reservation: Reservation.make(context.idempotency_key, cart['lines']).id }
end
