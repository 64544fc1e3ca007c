# frozen_string_literal: true

# Two steps of the checkout. A step that the context names as `trap` hangs in its first attempt, to be killed there.
$LOAD_PATH.unshift(File.expand_path('../../../clients/ruby/lib', __dir__))
require 'json'
require 'net/http'
require 'tasker_core'

def tell(context)
  line = [context.task_uuid, context.step_name, 'ruby', context.attempt].join(' ')
  File.open(ENV.fetch('CHECKOUT_EFFECTS'), 'a') { |file| file.write("#{line}\n") }
  sleep(60) if context.get_input('trap') == context.step_name && context.attempt == 1
end

TaskerCore.step_handler('ruby_process_payment', depends_on: { cart: 'validate_cart' }) do |context, cart:|
  body = { amount_cents: cart['total_cents'], currency: 'EUR', token: 'tok_visa' }
  headers = { 'Content-Type' => 'application/json', 'Idempotency-Key' => context.idempotency_key }
  answer = Net::HTTP.post(URI("#{ENV.fetch('GATEWAY_URL')}/charges"), body.to_json, headers)
  answer.value
  tell(context)
  { charge: JSON.parse(answer.body).fetch('charge_id'), serial: cart['serial'] + 1 }
end

TaskerCore.step_handler('ruby_send_confirmation', depends_on: { order: 'confirm_order' }) do |context, order:|
  tell(context)
  { text: "paid with #{order['charge']}", serial: order['serial'] + 1 }
end

exit(TaskerCore::Worker.new(namespaces: ['languages']).run)
