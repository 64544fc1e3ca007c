# frozen_string_literal: true

# Takes orders, and tells what became of them.
class OrdersController < ApplicationController
  # A customer who clicks twice gets the order of the first click.
  def create
    order = Order.create_with(wanted).find_or_create_by!(cart: params.require(:cart))
    order.hand_over if order.task_uuid.nil?
    render json: shown(order), status: :created
  rescue TaskerCore::InvalidRequestError => e
    render json: { error: e.message, field: e.field }, status: :unprocessable_entity
  rescue TaskerCore::ServerError
    # The order stands. `rails orders:hand_over`, or the customer's next click, creates its task.
    render json: shown(order), status: :accepted
  end

  def show
    order = Order.find(params[:id])
    render json: { **shown(order), **order.progress, charge: order.charge, total_cents: order.total_cents }
  end

  private

  def wanted
    params.permit(:cart, :email, :card, items: %i[sku quantity]).except(:cart)
  end

  def shown(order)
    { order_id: order.id, task_uuid: order.task_uuid }
  end
end
