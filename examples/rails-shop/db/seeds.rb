# frozen_string_literal: true

{ 'tea' => [450, 100], 'pot' => [3890, 5] }.each do |sku, (cents, stock)|
  Product.find_or_create_by!(sku:) { |product| product.assign_attributes(cents:, stock:) }
end
