# frozen_string_literal: true

# What all routes have in common.
class ApplicationController < ActionController::API
  rescue_from(ActiveRecord::RecordNotFound) { |error| render json: { error: error.message }, status: :not_found }
  rescue_from(ActiveRecord::RecordInvalid) do |error|
    render json: { error: error.message }, status: :unprocessable_entity
  end
end
