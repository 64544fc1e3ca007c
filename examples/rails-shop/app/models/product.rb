# frozen_string_literal: true

# What is on the shelf, and for how much.
class Product < ApplicationRecord
end
