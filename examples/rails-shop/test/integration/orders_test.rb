# frozen_string_literal: true

require_relative '../test_helper'

class OrdersTest < ShopTest
  test 'an order goes from the cart to the mail' do
    work
    placed = place
    shown = finished(placed)

    assert_equal ['complete', 900], shown.values_at('status', 'total_cents')
    assert_equal %w[confirm_order process_payment reserve_stock send_confirmation validate_cart], shown['done'].sort
    assert_equal [900], (charges(placed).map { |charge| charge['amount_cents'] })
    assert_equal [98, 1], [Product.find_by!(sku: 'tea').stock, Reservation.count]
    mail = Rails.configuration.x.mails.join("#{placed['task_uuid']}.send_confirmation.txt")
    assert_includes mail.read, 'To: ann@example.com'
  end

  test 'who clicks twice buys once' do
    first = place
    assert_equal first, place
    assert_equal 1, Order.count
    work
    finished(first)
    assert_equal 1, charges(first).size
  end

  test 'a gateway that is busy is asked again' do
    work
    placed = place(card: 'tok_error_once')
    assert_equal 'complete', finished(placed)['status']
    assert_equal 1, charges(placed).size
  end

  test 'a declined card ends it' do
    work
    shown = finished(place(card: 'tok_declined'))
    assert_equal ['blocked_by_failures', ['validate_cart'], nil], shown.values_at('status', 'done', 'charge')
    assert_equal 100, Product.find_by!(sku: 'tea').stock
  end

  test 'what the shop does not sell is refused before the card is charged' do
    work
    placed = place(items: [{ sku: 'gold', quantity: 1 }])
    assert_equal 'blocked_by_failures', finished(placed)['status']
    assert_empty charges(placed)
    failed = TaskerCore::Client.list_task_steps(placed['task_uuid']).find { |step| step.name == 'validate_cart' }
    assert_equal 'unknown_sku', failed.results.dig('error', 'error_code')
  end

  test 'an order that can not be is refused' do
    place(email: nil, status: :unprocessable_entity)
    get '/orders/4711'
    assert_response :not_found
  end

  test 'an order that is placed while the server is away is handed over later' do
    there = ENV.fetch('TASKER_URL')
    TaskerCore.configure { |config| [config.url = 'http://127.0.0.1:9', config.retries = 0] }
    placed = place(status: :accepted)
    assert_nil placed['task_uuid']

    TaskerCore.configure { |config| config.url = there }
    Order.waiting.find_each(&:hand_over)
    work
    assert_equal 'complete', finished(placed.merge('task_uuid' => Order.last.task_uuid))['status']
  ensure
    TaskerCore.configure { |config| [config.url = there, config.retries = 3] }
  end
end
