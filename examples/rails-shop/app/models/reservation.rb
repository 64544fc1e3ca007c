# frozen_string_literal: true

# Goods that were taken off the shelf, once for each key.
class Reservation < ApplicationRecord
  # Takes +lines+ ("sku", "quantity") off the shelf, or finds that this was done. Raises Tasker's PermanentError where
  # there is too little.
  def self.make(key, lines)
    transaction do
      create!(key:, lines:).tap { lines.each { |line| take(line['sku'], line['quantity']) } }
    end
  rescue ActiveRecord::RecordNotUnique
    find_by!(key:)
  end

  def self.take(sku, quantity)
    taken = Product.where(sku:).where('stock >= ?', quantity).update_all(['stock = stock - ?', quantity])
    return if taken == 1

    raise TaskerCore::Errors::PermanentError.new("there aren't #{quantity} of #{sku}", error_code: 'sold_out')
  end
  private_class_method :take
end
