# frozen_string_literal: true

ActiveRecord::Schema.define(version: 1) do
  create_table 'products', force: :cascade do |t|
    t.string 'sku', null: false, index: { unique: true }
    t.integer 'cents', null: false
    t.integer 'stock', null: false
  end

  create_table 'orders', force: :cascade do |t|
    # What the customer's cart is called: one cart becomes at most one order.
    t.string 'cart', null: false, index: { unique: true }
    t.string 'email', null: false
    t.json 'items', null: false
    t.string 'card', null: false
    t.string 'task_uuid'
    t.integer 'total_cents'
    t.string 'charge'
    t.timestamps
  end

  create_table 'reservations', force: :cascade do |t|
    t.string 'key', null: false, index: { unique: true }
    t.json 'lines', null: false
  end
end
