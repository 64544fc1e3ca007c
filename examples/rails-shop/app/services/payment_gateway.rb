# frozen_string_literal: true

require 'net/http'

# The payment gateway: what it answers, as the errors that Tasker knows.
class PaymentGateway
  Errors = TaskerCore::Errors

  def initialize(url = Rails.configuration.x.gateway_url)
    @url = URI(url)
  end

  # Charges +cents+; the gateway charges once for each +key+.
  def charge(cents, card, key)
    body = { amount_cents: cents, currency: 'EUR', token: card }
    answer = post('/charges', body, key)
    said = JSON.parse(answer.body)
    return said['charge_id'] if answer.is_a?(Net::HTTPSuccess)

    refuse(answer, said.dig('error', 'message') || answer.message)
  end

  private

  def post(path, body, key)
    headers = { 'Content-Type' => 'application/json', 'Idempotency-Key' => key }
    Net::HTTP.start(@url.host, @url.port, open_timeout: 2, read_timeout: 5) do |http|
      http.post(path, body.to_json, headers)
    end
  rescue SystemCallError, Timeout::Error, IOError => e
    raise Errors::NetworkError, "the gateway can't be reached: #{e.message}"
  end

  def refuse(answer, message)
    case answer.code.to_i
    when 402 then raise Errors::PermanentError.new(message, error_code: 'card_declined')
    when 429, 500.. then raise Errors::RetryableError.new(message, retry_after: answer['Retry-After']&.to_f)
    else raise Errors::PermanentError, message
    end
  end
end
