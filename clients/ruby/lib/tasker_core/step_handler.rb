# frozen_string_literal: true

require_relative 'step_handler/result'
require_relative 'step_handler/endings'
require_relative 'step_handler/routing'
require_relative 'step_handler/base'
require_relative 'step_handler/injection'
require_relative 'step_handler/functional'

# What applications write at the top of a file of handlers.
module TaskerCore
  # Makes a handler from a block: see StepHandler::Functional.
  #
  #   ReserveStock = TaskerCore.step_handler('reserve_stock', depends_on: { cart: 'validate_cart' }) do |cart:|
  #     { reservation: Shelf.take(cart['lines']) }
  #   end
  def self.step_handler(name, **wishes, &)
    StepHandler::Functional.step_handler(name, **wishes, &)
  end
end
