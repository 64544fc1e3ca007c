# frozen_string_literal: true

# What all records have in common.
class ApplicationRecord < ActiveRecord::Base
  self.abstract_class = true
end
